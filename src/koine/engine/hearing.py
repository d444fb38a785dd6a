"""May you be told? The same answers as `access` gives to those who ask, for those who listen.

Asked for every reader when an event is delivered, never when the reader arrived: who has lost a
right in between is not told.
"""

from koine.engine import access
from koine.model.actor import Actor
from koine.model.delivery import Delivery
from koine.model.event import EventKind
from koine.model.happening import Happening
from koine.model.permissions import (
    MANAGE_OPERATIONS,
    MANAGE_TENANT,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
    VIEW_TENANT,
)

_ALL_CONVERSATIONS = (VIEW_TENANT, READ_CONVERSATIONS)
_MORE_THAN_OWN = (*_ALL_CONVERSATIONS, READ_CUSTOMERS, MANAGE_OPERATIONS, MANAGE_TENANT)
_SAID: frozenset[EventKind] = frozenset({"message.created", "message.updated"})


def hears(actor: Actor, happening: Happening) -> bool:
    """Whether the actor, who is of the happening's tenant, may be told of it."""
    event = happening.event
    if event.audience == "staff" and not access.sees_private(actor):
        return False
    match event.kind.partition(".")[0]:
        case "conversation" | "participant" | "message" | "ticket":
            return _of_conversation(actor, happening)
        case "identity":
            own = actor.identity_id == event.subject_id or actor.identity_id in happening.meets
            return own or actor.may(VIEW_TENANT, READ_CUSTOMERS, READ_CONVERSATIONS)
        case "inbox" | "responder":
            return actor.may(*_ALL_CONVERSATIONS)
        case "delivery":
            return actor.identity_id in happening.members or sees_delivery(actor, happening.noun)
        case "tenant":
            return actor.kind != "contact"
        case _:
            return actor.may(MANAGE_TENANT)


def follows_all(actor: Actor) -> bool:
    """Whether the actor may be told of more than its own: of all conversations, people, deliveries
    or of the tenant's own affairs. Whoever may not finds its events by `engine.own_events`."""
    return actor.may(*_MORE_THAN_OWN)


def hears_typing(actor: Actor, happening: Happening) -> bool:
    """Whether the actor may know who is writing in the happening's conversation."""
    return happening.conversation is not None and _of_conversation(actor, happening)


def hears_whereabouts(actor: Actor) -> bool:
    """Whether the actor may know who of the tenant is there: its people and programs may, a
    contact is told of those it can talk to by its own dialect."""
    return actor.kind == "contact" or actor.may(VIEW_TENANT, READ_CONVERSATIONS)


def sees_delivery(actor: Actor, noun: object) -> bool:
    """Whether the actor may see the delivery: who manages them, its customer and its driver."""
    if actor.may(MANAGE_OPERATIONS, MANAGE_TENANT):
        return True
    theirs = (noun.customer_id, noun.driver_id) if isinstance(noun, Delivery) else ()
    return actor.identity_id is not None and actor.identity_id in theirs


def _of_conversation(actor: Actor, happening: Happening) -> bool:
    conversation, event = happening.conversation, happening.event
    if conversation is None:
        member = actor.identity_id in happening.members
        return event.kind == "conversation.deleted" and (member or actor.may(*_ALL_CONVERSATIONS))
    if event.kind in _SAID and not access.reads(actor, happening.readers):
        return False
    if actor.may(*_ALL_CONVERSATIONS):
        return True
    if actor.kind == "contact" and conversation.owner_id == actor.identity_id:
        return True
    me = happening.part_of(actor.identity_id)
    # One who has left is told so. With a removal all leave: they are told of it all the same.
    told_last = event.kind == "participant.left" and event.subject_id == actor.identity_id
    return me is not None and (told_last or me.left_at in (None, conversation.removed_at))
