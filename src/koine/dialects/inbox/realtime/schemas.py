"""What a contact is told live, and how it is made of the engine's nouns: pure functions, no I/O."""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox import wire
from koine.dialects.inbox.wire import Attachment, View
from koine.dialects.inbox.wire_people import AgentSender, BotSender, ContactSender
from koine.kit.times import iso_ms, unix
from koine.model.conversation import Conversation as ConversationNoun
from koine.model.conversation import Participant, SenderKind, unread
from koine.model.event_context import EventContext
from koine.model.message import Message as MessageNoun
from koine.realtime.reader import Availability, EphemeralEvent

SENDER_TYPES: dict[SenderKind, str | None] = {
    "contact": "Contact",
    "user": "User",
    "responder": "AgentBot",
    "system": None,
}
AVAILABLE: dict[Availability, str] = {"online": "online", "away": "busy", "offline": "offline"}


class ContactInbox(Struct, frozen=True):
    """The contact's place, as a message's conversation names it."""

    source_id: str


class Place(Struct, frozen=True):
    """What a message says of its conversation (inbox.md, F). `unread_count` is the reader's (D)."""

    assignee_id: int | None
    unread_count: int
    last_activity_at: int
    contact_inbox: ContactInbox


class Message(Struct, frozen=True, kw_only=True):
    """The columns of a message (inbox.md, F), and what is about it."""

    id: int
    content: str | None
    account_id: int
    inbox_id: int
    conversation_id: int
    message_type: int
    created_at: int
    updated_at: str
    private: bool = False
    status: str
    source_id: str | None = None
    content_type: str
    content_attributes: Raw
    sender_type: str | None
    sender_id: int | None
    external_source_ids: dict[str, str] = {}
    additional_attributes: dict[str, str] = {}
    processed_message_content: str | None
    sentiment: dict[str, str] = {}
    conversation: Place
    echo_id: str | int | float | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET


class Conversation(wire.Conversation, kw_only=True):
    """A conversation as GET shows it, but `messages` is the newest one alone (F)."""

    account_id: int


class Gone(Struct, frozen=True):
    """A conversation the contact sees no more."""

    id: int
    uuid: str
    account_id: int


class Typing(Struct, frozen=True):
    """Who writes, or stopped, in which conversation (F)."""

    conversation: Conversation
    user: AgentSender
    is_private: bool
    account_id: int


class Present(Struct, frozen=True):
    """Which of the account's agents are there, by id."""

    account_id: int
    users: Raw


class Reset(Struct, frozen=True):
    """The `last_event_id` that was shown is worth nothing: read everything again."""

    account_id: int
    reason: str


class _EventBody(Struct):
    echo_id: str | int | float | UnsetType = UNSET


def message(view: View, happening: EventContext, source_id: str) -> Message | None:
    """The happening's message; None where the client API shows none (F). `source_id` is the
    reader's."""
    found, said = happening.conversation, happening.message
    if found is None or said is None or not wire.is_shown(said):
        return None
    shown = wire.message(view, found, said, happening.related.people)
    sender_id = said.sender_number
    if isinstance(shown.sender, ContactSender):
        sender_id = shown.sender.id
    return Message(
        id=shown.id,
        content=shown.content,
        account_id=view.tenant.number,
        inbox_id=happening.related.inboxes.get(found.inbox_id or "", view.inbox).number,
        conversation_id=shown.conversation_id,
        message_type=shown.message_type,
        created_at=shown.created_at,
        updated_at=iso_ms(said.updated_at),
        status=_status(view, happening, said),
        content_type=shown.content_type,
        content_attributes=shown.content_attributes,
        sender_type=SENDER_TYPES[said.sender_kind],
        sender_id=sender_id,
        processed_message_content=shown.content,
        conversation=_place(view, happening, found, source_id),
        echo_id=_echo(happening),
        attachments=shown.attachments,
        sender=shown.sender,
    )


def conversation(view: View, happening: EventContext) -> Conversation | None:
    """The happening's conversation, a transition with its own values; None where there is none."""
    found = happening.conversation_then
    if found is None:
        return None
    around = happening.related
    latest = around.latest.get(found.id)
    said = {found.id: [latest]} if latest is not None else {}
    shown = wire.conversation(view, found, msgspec.structs.replace(around, messages=said))
    return Conversation(**msgspec.structs.asdict(shown), account_id=view.tenant.number)


def typing(view: View, whisper: EphemeralEvent, happening: EventContext) -> Typing | None:
    """Who writes in the happening's conversation."""
    shown = conversation(view, happening)
    if shown is None:
        return None
    name = whisper.name or ""
    user = AgentSender(whisper.number, name, name, "", "online", "")
    return Typing(shown, user, False, view.tenant.number)


def _place(view: View, happening: EventContext, found: ConversationNoun, source_id: str) -> Place:
    assignee = happening.related.people.get(found.assignee_id or "")
    me = _me(view, happening)
    return Place(
        assignee_id=assignee.number if assignee else None,
        unread_count=unread(found, me, sees_private=False),
        last_activity_at=unix(found.last_activity_at),
        contact_inbox=ContactInbox(source_id),
    )


def _status(view: View, happening: EventContext, said: MessageNoun) -> str:
    me = _me(view, happening)
    is_read = said.sender_kind != "contact" and me is not None and me.read_seq >= said.seq
    return "read" if is_read else "sent"


def _me(view: View, happening: EventContext) -> Participant | None:
    return happening.participant(view.contact.id) if view.contact else None


def _echo(happening: EventContext) -> str | int | float | UnsetType:
    told = happening.event
    if told.kind != "message.created" or told.body == "{}":
        return UNSET
    return msgspec.json.decode(told.body, type=_EventBody).echo_id
