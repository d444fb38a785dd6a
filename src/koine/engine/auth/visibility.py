"""What an actor may see of an event: the rules of `access`, for readers of the event log.

Streams and webhooks decide here and nowhere else, for every reader and event at the time of
delivery and not of subscription: a right that was lost since then is lost. A dialect may send less,
because its API has no such event; it decides nothing about rights.
"""

from koine.engine.auth import access
from koine.model.actor import Actor
from koine.model.delivery import Delivery
from koine.model.event import EventKind
from koine.model.event_context import EventContext
from koine.model.permissions import (
    MANAGE_OPERATIONS,
    MANAGE_TENANT,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
    VIEW_TENANT,
)

_ALL_CONVERSATIONS = (VIEW_TENANT, READ_CONVERSATIONS)
_PEOPLE = (VIEW_TENANT, READ_CUSTOMERS, READ_CONVERSATIONS)
_MORE_THAN_OWN = (*_ALL_CONVERSATIONS, READ_CUSTOMERS, MANAGE_OPERATIONS, MANAGE_TENANT)
_MESSAGE_EVENTS: frozenset[EventKind] = frozenset({"message.created", "message.updated"})


def can_receive(actor: Actor, context: EventContext) -> bool:
    """Whether the actor, who is of the event's tenant, may receive the event."""
    event = context.event
    if event.audience == "staff" and not access.sees_private(actor):
        return False
    match event.kind.partition(".")[0]:
        case "conversation" | "participant" | "message" | "ticket":
            return _of_conversation(actor, context)
        case "identity":
            return actor.identity_id in context.shared_with or sees_person(actor, event.subject_id)
        case "inbox" | "responder":
            return actor.may(*_ALL_CONVERSATIONS)
        case "delivery":
            return actor.identity_id in context.members or sees_delivery(actor, context.subject)
        case "tenant":
            return actor.kind != "contact"
        case _:
            return actor.may(MANAGE_TENANT)


def receives_whole_log(actor: Actor) -> bool:
    """Whether the actor receives events about more than its own conversations: about all of them,
    or all people, or deliveries, or the tenant. The events of others are found by
    `engine.events.reader_events`."""
    return actor.may(*_MORE_THAN_OWN)


def sees_conversation(actor: Actor, context: EventContext) -> bool:
    """Whether the event's conversation is in the actor's lists: there, not removed, and seen."""
    found = context.conversation
    if found is None or found.removed_at is not None:
        return False
    return access.sees(actor, found, context.participant(actor.identity_id))


def reads_messages(actor: Actor, context: EventContext) -> bool:
    """Whether the actor, who sees the event's conversation, may read its messages."""
    return access.may_read_messages(actor, context.readers)


def reads_as_participant(actor: Actor, context: EventContext) -> bool:
    """As `reads_messages`, where only participants read messages (delivery.md, S)."""
    me = context.participant(actor.identity_id)
    return access.reads_as_participant(actor, me) and reads_messages(actor, context)


def can_receive_typing(actor: Actor, context: EventContext, private: bool) -> bool:
    """Whether the actor may know who is typing in the conversation, perhaps a private note."""
    if private and not access.sees_private(actor):
        return False
    return context.conversation is not None and _of_conversation(actor, context)


def can_receive_presence(actor: Actor) -> bool:
    """Whether the actor may know which users are online. A contact may: its dialect chooses the
    users that it can write with."""
    return actor.kind == "contact" or actor.may(VIEW_TENANT, READ_CONVERSATIONS)


def sees_person(actor: Actor, identity_id: str) -> bool:
    """Whether the actor may see the whole record of a person, beyond what conversations show."""
    return identity_id == actor.identity_id or actor.may(*_PEOPLE)


def sees_delivery(actor: Actor, subject: object) -> bool:
    """Whether the actor may see the delivery: a manager of deliveries, its customer, its driver."""
    if actor.may(MANAGE_OPERATIONS, MANAGE_TENANT):
        return True
    theirs = (subject.customer_id, subject.driver_id) if isinstance(subject, Delivery) else ()
    return actor.identity_id is not None and actor.identity_id in theirs


def _of_conversation(actor: Actor, context: EventContext) -> bool:
    conversation, event = context.conversation, context.event
    if conversation is None:
        member = actor.identity_id in context.members
        return event.kind == "conversation.deleted" and (member or actor.may(*_ALL_CONVERSATIONS))
    if event.kind in _MESSAGE_EVENTS and not access.may_read_messages(actor, context.readers):
        return False
    me = context.participant(actor.identity_id)
    if access.sees(actor, conversation, me):
        return True
    # That oneself has left is the last event one receives. When a conversation is removed all leave
    # at the same time, and all of them receive that.
    own_leaving = event.kind == "participant.left" and event.subject_id == actor.identity_id
    return me is not None and (own_leaving or me.left_at == conversation.removed_at)
