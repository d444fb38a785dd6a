"""From the engine's events to those that a contact receives over `/cable`. Pure."""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from koine.dialects.inbox.contacts.render import View
from koine.dialects.inbox.contacts.schemas import AgentSender, ContactSender
from koine.dialects.inbox.conversations.render import render_conversation
from koine.dialects.inbox.messages.render import SENDER_TYPES, is_shown, render_message
from koine.dialects.inbox.realtime import schemas
from koine.kit.times import iso_ms, unix
from koine.model.conversation import Conversation, Participant, unread
from koine.model.event_context import EventContext
from koine.model.message import Message
from koine.realtime.reader import Availability, EphemeralEvent

AVAILABILITIES: dict[Availability, str] = {
    "online": "online",
    "away": "busy",
    "offline": "offline",
}


class _EventBody(Struct):
    echo_id: str | int | float | UnsetType = UNSET


def render_message_event(
    view: View, context: EventContext, source_id: str
) -> schemas.Message | None:
    """The event's message; None where the client API shows none (F). `source_id` is that of the
    contact inbox that receives the event."""
    c, m = context.conversation, context.message
    if c is None or m is None or not is_shown(m):
        return None
    rendered = render_message(view, c, m, context.related.people)
    sender_id = m.sender_number
    if isinstance(rendered.sender, ContactSender):
        sender_id = rendered.sender.id
    return schemas.Message(
        id=rendered.id,
        content=rendered.content,
        account_id=view.tenant.number,
        inbox_id=context.related.inboxes.get(c.inbox_id or "", view.inbox).number,
        conversation_id=rendered.conversation_id,
        message_type=rendered.message_type,
        created_at=rendered.created_at,
        updated_at=iso_ms(m.updated_at),
        status=_status(view, context, m),
        content_type=rendered.content_type,
        content_attributes=rendered.content_attributes,
        sender_type=SENDER_TYPES[m.sender_kind],
        sender_id=sender_id,
        processed_message_content=rendered.content,
        conversation=_message_conversation(view, context, c, source_id),
        echo_id=_echo_id(context),
        attachments=rendered.attachments,
        sender=rendered.sender,
    )


def render_conversation_event(view: View, context: EventContext) -> schemas.Conversation | None:
    """The event's conversation, with the values that the event gave it; None where the event is
    about none."""
    c = context.conversation_then
    if c is None:
        return None
    newest = context.related.latest.get(c.id)
    messages = {c.id: [newest]} if newest is not None else {}
    related = msgspec.structs.replace(context.related, messages=messages)
    rendered = render_conversation(view, c, related)
    return schemas.Conversation(**msgspec.structs.asdict(rendered), account_id=view.tenant.number)


def render_typing(
    view: View, ephemeral: EphemeralEvent, context: EventContext
) -> schemas.Typing | None:
    """Who started or stopped typing in the conversation of the context."""
    conversation = render_conversation_event(view, context)
    if conversation is None:
        return None
    name = ephemeral.name or ""
    user = AgentSender(ephemeral.number, name, name, "", "online", "")
    return schemas.Typing(conversation, user, False, view.tenant.number)


def _message_conversation(
    view: View, context: EventContext, c: Conversation, source_id: str
) -> schemas.MessageConversation:
    assignee = context.related.people.get(c.assignee_id or "")
    return schemas.MessageConversation(
        assignee_id=assignee.number if assignee else None,
        unread_count=unread(c, _participant(view, context), sees_private=False),
        last_activity_at=unix(c.last_activity_at),
        contact_inbox=schemas.ContactInbox(source_id),
    )


def _status(view: View, context: EventContext, m: Message) -> str:
    me = _participant(view, context)
    is_read = m.sender_kind != "contact" and me is not None and me.read_seq >= m.seq
    return "read" if is_read else "sent"


def _participant(view: View, context: EventContext) -> Participant | None:
    """The contact who receives the event, as a participant of its conversation."""
    return context.participant(view.contact.id) if view.contact else None


def _echo_id(context: EventContext) -> str | int | float | UnsetType:
    event = context.event
    if event.kind != "message.created" or event.body == "{}":
        return UNSET
    return msgspec.json.decode(event.body, type=_EventBody).echo_id
