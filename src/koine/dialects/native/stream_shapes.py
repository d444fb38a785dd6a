"""What an event holds for those who follow: what it is about, as GET shows it now. Pure.

Streams ask as the reader; webhooks as their endpoint's owner, but without what opens inboxes.
"""

from msgspec import UNSET, structs

from koine.dialects.native import shapes, shapes_talk, wire_talk
from koine.dialects.native import wire_stream as wire
from koine.engine import access
from koine.engine.hearing import sees_delivery
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.conversation import Conversation
from koine.model.delivery import Delivery
from koine.model.happening import Happening
from koine.model.identity import RESPONDER_KINDS, Identity
from koine.model.inbox import Inbox
from koine.model.names import display_name
from koine.model.permissions import (
    MANAGE_OPERATIONS,
    MANAGE_TENANT,
    READ_CONVERSATIONS,
    READ_CUSTOMERS,
    VIEW_TENANT,
)
from koine.model.tenant import Tenant
from koine.model.ticket import Ticket

_PERMISSIONS = frozenset({READ_CONVERSATIONS, READ_CUSTOMERS, VIEW_TENANT})
_TALK = frozenset({"conversation", "participant", "message"})
REMOVED = "conversation.removed"


def without_keys(reader: Actor) -> Actor:
    """The reader of a webhook: may read what its owner may, and is shown none of what opens the
    tenant's inboxes or says how it is set up: bodies are kept, and seen by others."""
    if not reader.may(MANAGE_TENANT):
        return reader
    # Who manages the tenant sees all deliveries, too.
    permissions = reader.permissions - {MANAGE_TENANT} | {MANAGE_OPERATIONS}
    return structs.replace(reader, permissions=permissions)


def event(happening: Happening, actor: Actor, base_url: str) -> wire.Event | None:
    """The event as this reader is shown it; None when there is nothing left to show."""
    held = data(happening, actor, base_url)
    if held is None:
        return None
    told = happening.event
    return wire.Event(
        id=told.id,
        type=kind(happening, actor),
        created_at=iso_ms(told.created_at),
        conversation_id=told.conversation_id or _deleted(happening),
        seq=told.seq,
        data=held,
    )


def kind(happening: Happening, actor: Actor) -> str:
    """The event's type: that of the log, but what is out of every list is `removed`."""
    told = happening.event.kind
    if told.partition(".")[0] in _TALK and _is_lost(happening, actor):
        return REMOVED
    noun = happening.noun
    if isinstance(noun, Inbox) and noun.removed_at is not None:
        return "inbox.removed"
    if isinstance(noun, Delivery) and not sees_delivery(actor, noun):
        return "delivery.removed"
    return told


def data(happening: Happening, reader: Actor, base_url: str) -> wire.EventData | None:
    """What the event holds, for a reader; None when it is there no more.

    Whether the reader may be told at all was asked before (`engine.hearing`).
    """
    told = happening.event
    match told.kind.partition(".")[0]:
        case "conversation" | "participant" | "message":
            return _talk(happening, reader, base_url)
        case "credential":
            return wire.EventData(subject_id=told.subject_id)
    match happening.noun:
        case Identity() as person if told.kind == "responder.versioned":
            version = happening.version
            return wire.EventData(
                responder=shapes.responder(person),
                version=shapes.version(version) if version else UNSET,
            )
        case Identity() as person:
            return _person(happening, person, reader)
        case Inbox() as inbox if inbox.removed_at is not None:
            return wire.EventData(inbox_id=inbox.id)
        case Inbox() as inbox:
            return wire.EventData(inbox=shapes.inbox(inbox, reader))
        case Delivery() as delivery if not sees_delivery(reader, delivery):
            return wire.EventData(delivery_id=delivery.id)
        case Delivery() as delivery:
            return wire.EventData(delivery=shapes.delivery(delivery))
        case Tenant() as tenant:
            return wire.EventData(tenant=shapes.tenant(tenant, reader))
        case Ticket() as ticket:
            found = happening.conversation
            there = found is not None and found.removed_at is None
            return wire.EventData(
                ticket=shapes_talk.ticket(ticket),
                conversation=_shown(happening, found, reader) if found and there else UNSET,
            )
        case None:
            return None


def shows_whole(identity_id: str, reader: Actor) -> bool:
    """Whether the reader may see all of a person, and not the card alone."""
    return identity_id == reader.identity_id or reader.may(*_PERMISSIONS)


def _talk(happening: Happening, reader: Actor, base_url: str) -> wire.EventData | None:
    found, told = happening.conversation, happening.event
    if found is None:
        return (
            wire.EventData(conversation_id=told.subject_id)
            if told.kind == "conversation.deleted"
            else None
        )
    if _is_lost(happening, reader):
        return wire.EventData(conversation_id=found.id)
    shown = _shown(happening, found, reader)
    if told.kind.startswith("message."):
        message = happening.message
        if message is None:
            return None
        sender = happening.part_of(message.sender_id) if message.sender_id else None
        return wire.EventData(
            message=shapes_talk.message(message, base_url),
            conversation=shown,
            participant=shapes_talk.participant(sender) if sender else UNSET,
        )
    everyone = [shapes_talk.participant(each) for each in happening.participants]
    return wire.EventData(conversation=shown, participants=everyone)


def _shown(happening: Happening, found: Conversation, reader: Actor) -> wire_talk.Conversation:
    return shapes_talk.conversation(found, happening.around, reader)


def _person(happening: Happening, person: Identity, reader: Actor) -> wire.EventData:
    whole = shows_whole(person.id, reader)
    is_user, is_responder = person.kind == "user", person.kind in RESPONDER_KINDS
    return wire.EventData(
        person=wire.Card(
            person.id, person.kind, display_name(person), person.email, person.avatar_url
        ),
        user=shapes.user(person) if whole and is_user else UNSET,
        responder=shapes.responder(person) if whole and is_responder else UNSET,
        contact=shapes.contact(person) if whole and person.kind == "contact" else UNSET,
        merged_id=happening.merged_id or UNSET,
    )


def _is_lost(happening: Happening, actor: Actor) -> bool:
    """Whether the conversation is out of every list, or this reader's part in it has ended."""
    found = happening.conversation
    if found is None:
        return False
    if found.removed_at is not None:
        return True
    if access.sees_all(actor):
        return False
    if actor.kind == "contact" and found.owner_id == actor.identity_id:
        return False
    me = happening.part_of(actor.identity_id)
    return me is None or me.left_at is not None


def _deleted(happening: Happening) -> str | None:
    told = happening.event
    return told.subject_id if told.kind == "conversation.deleted" else None
