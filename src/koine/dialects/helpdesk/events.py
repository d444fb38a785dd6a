"""Names and data of this dialect's events, for its webhooks (helpdesk.md, F) and its stream. Pure
functions."""

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
    """The data of a message event."""

    message: Message
    conversation: Conversation


class DeletedConversation(Struct, frozen=True):
    """The data of a deleted conversation."""

    id: str = msgspec.field(name="_id")


Data = MessageData | Conversation | Customer | DeletedConversation


def event_name(context: EventContext) -> str | None:
    """The event's name; None for an event that this dialect does not have."""
    kind, conversation = context.event.kind, context.conversation
    if kind == "conversation.deleted" or (conversation and conversation.removed_at is not None):
        return "conversation.deleted"
    if kind in _MESSAGE_EVENTS:
        return _message_event_name(context)
    if kind == "conversation.created":
        return "conversation.created"
    if kind == "conversation.updated":
        return change_names(context)[0]
    if kind in _CUSTOMER_EVENTS:
        subject = context.subject
        if isinstance(subject, Identity) and subject.kind == "contact":
            return _CUSTOMER_EVENTS[kind]
    return None


def event_data(context: EventContext) -> Data | None:
    """The event's object, as GET returns it; None if it has been deleted since."""
    conversation, people = context.conversation_then, context.related.people
    if context.event.kind == "conversation.deleted":
        return DeletedConversation(context.event.subject_id)
    if conversation is not None and conversation.removed_at is not None:
        return DeletedConversation(conversation.id)
    if isinstance(context.subject, Identity):
        return render_customer(context.subject)
    if conversation is None:
        return None
    rendered = render_conversation(conversation, people)
    if context.event.kind not in _MESSAGE_EVENTS:
        return rendered
    message = context.message
    return None if message is None else MessageData(render_message(message), rendered)


def _message_event_name(context: EventContext) -> str | None:
    """`message.received` from a customer, else `message.sent`."""
    message = context.message
    if message is None:
        return None
    if context.event.kind == "message.updated":
        return "message.updated"
    inbound = render_message(message).direction == "inbound"
    return "message.received" if inbound else "message.sent"


def change_names(context: EventContext) -> tuple[str, ...]:
    """All names that fit a change of a conversation, the most specific first: closing and assigning
    have names of their own, and one change may do both."""
    changed = context.change.changed
    closed = ("conversation.closed",) if changed.get("status") == "closed" else ()
    assigned = ("conversation.assigned",) if changed.get("assignee_id") is not None else ()
    return (*closed, *assigned, "conversation.updated")
