"""What happened, in this dialect's words: the events of its webhooks (helpdesk.md, F), which its
stream tells as well. Pure."""

import msgspec
from msgspec import Struct

from koine.dialects.helpdesk.conversations.render import render_conversation
from koine.dialects.helpdesk.conversations.schemas import Conversation
from koine.dialects.helpdesk.directory.render import render_customer
from koine.dialects.helpdesk.directory.schemas import Customer
from koine.dialects.helpdesk.messages.render import render_message
from koine.dialects.helpdesk.messages.schemas import Message
from koine.model.event_context import EventContext
from koine.model.identity import Identity

_MESSAGE_EVENTS = ("message.created", "message.updated")
_CUSTOMER_EVENTS = {
    "identity.created": "customer.created",
    "identity.updated": "customer.updated",
    "identity.merged": "customer.updated",
}


class MessageData(Struct, frozen=True):
    """What was said, and where."""

    message: Message
    conversation: Conversation


class DeletedConversation(Struct, frozen=True):
    """A conversation that was deleted."""

    id: str = msgspec.field(name="_id")


Data = MessageData | Conversation | Customer | DeletedConversation


def event_name(happening: EventContext) -> str | None:
    """The event's name; None for what this dialect says nothing of."""
    kind, found = happening.event.kind, happening.conversation
    if kind == "conversation.deleted" or (found is not None and found.removed_at is not None):
        return "conversation.deleted"
    if kind in _MESSAGE_EVENTS:
        return _message_event_name(happening)
    if kind == "conversation.created":
        return "conversation.created"
    if kind == "conversation.updated":
        return change_names(happening)[0]
    if kind in _CUSTOMER_EVENTS:
        noun = happening.subject
        return (
            _CUSTOMER_EVENTS[kind]
            if isinstance(noun, Identity) and noun.kind == "contact"
            else None
        )
    return None


def event_data(happening: EventContext) -> Data | None:
    """What the event is about, as GET shows it; None when it is gone meanwhile."""
    found, people = happening.conversation_then, happening.related.people
    if happening.event.kind == "conversation.deleted":
        return DeletedConversation(happening.event.subject_id)
    if found is not None and found.removed_at is not None:
        return DeletedConversation(found.id)
    if isinstance(happening.subject, Identity):
        return render_customer(happening.subject)
    if found is None:
        return None
    shown = render_conversation(found, people)
    if happening.event.kind not in _MESSAGE_EVENTS:
        return shown
    said = happening.message
    return None if said is None else MessageData(render_message(said), shown)


def _message_event_name(happening: EventContext) -> str | None:
    """`message.received` from a customer, else `message.sent`."""
    said = happening.message
    if said is None:
        return None
    if happening.event.kind == "message.updated":
        return "message.updated"
    inbound = render_message(said).direction == "inbound"
    return "message.received" if inbound else "message.sent"


def change_names(happening: EventContext) -> tuple[str, ...]:
    """What a change of a conversation may be called, best first: an assignment and a closing, be
    it in one, have names of their own."""
    changed = happening.change.changed
    closed = ("conversation.closed",) if changed.get("status") == "closed" else ()
    assigned = ("conversation.assigned",) if changed.get("assignee_id") is not None else ()
    return (*closed, *assigned, "conversation.updated")
