"""The types of the events that a contact receives over `/cable`."""

from msgspec import UNSET, Raw, Struct, UnsetType

from koine.dialects.inbox.contacts.schemas import AgentSender, BotSender, ContactSender
from koine.dialects.inbox.conversations import schemas as conversations
from koine.dialects.inbox.messages.schemas import Attachment


class ContactInbox(Struct, frozen=True):
    """The contact inbox that receives the event."""

    source_id: str


class MessageConversation(Struct, frozen=True):
    """The conversation of a message (inbox.md, F). `unread_count` is the receiver's (D)."""

    assignee_id: int | None
    unread_count: int
    last_activity_at: int
    contact_inbox: ContactInbox


class Message(Struct, frozen=True, kw_only=True):
    """The columns of a message (inbox.md, F) with its sender, files and conversation."""

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
    conversation: MessageConversation
    echo_id: str | int | float | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType = UNSET
    sender: ContactSender | AgentSender | BotSender | UnsetType = UNSET


class Conversation(conversations.Conversation, kw_only=True):
    """A conversation as GET returns it, but `messages` holds the newest one alone (F)."""

    account_id: int


class DeletedConversation(Struct, frozen=True):
    """A conversation that was removed."""

    id: int
    uuid: str
    account_id: int


class Typing(Struct, frozen=True):
    """Which user started or stopped typing in a conversation (F)."""

    conversation: Conversation
    user: AgentSender
    is_private: bool
    account_id: int


class Presence(Struct, frozen=True):
    """The agents who are online; `users` is `{"<id>": "online" | "busy"}`."""

    account_id: int
    users: Raw


class Reset(Struct, frozen=True):
    """The client's `last_event_id` has no meaning any more: it must load everything anew."""

    account_id: int
    reason: str
