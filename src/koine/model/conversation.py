"""Conversations and their participants."""

from typing import Literal

from msgspec import Struct

Status = Literal["open", "pending", "snoozed", "closed"]
STATUSES: tuple[Status, ...] = ("open", "pending", "snoozed", "closed")
Priority = Literal["low", "medium", "high", "urgent"]
Channel = Literal["email", "chat", "phone", "whatsapp", "widget", "waha", "instagram", "api"]
ParticipantRole = Literal["admin", "member"]
SenderKind = Literal["contact", "user", "responder", "system"]

PREVIEW_LENGTH = 280
"""Characters of a message kept on its conversation (chats.md, D)."""


class Conversation(Struct, frozen=True):
    """One conversation of every dialect (contracts/README.md, "One conversation, four faces").

    `number` counts conversations within the tenant. `last_seq` is the number of the newest message
    of any kind, `public_count` counts those everyone may see, `last_public_seq` is the newest of
    them. Retention deletes the oldest: those up to `deleted_seq`, of which `deleted_public` were
    public. `last_*` and `previous_*` preview the two newest public messages. `last_activity_at` is
    when the newest public message came, else the creation. While `sort_at_override` is not None,
    `shown_at_override` is shown as the last message's time, None included, and lists that are
    sorted by the shown time use `sort_at_override` (chats.md, D).
    `source_id` is that of the contact inbox through which it was opened: without a proven identity
    only that contact inbox sees it (inbox.md, F). Attributes are JSON text. Times are µs.
    """

    id: str
    number: int
    kind: str
    status: Status
    title: str | None
    priority: Priority | None
    channel: Channel | None
    source: str
    inbox_id: str | None
    owner_id: str | None
    delivery_id: str | None
    assignee_id: str | None
    responder_id: str | None
    responder_version_id: str | None
    responder_active: bool
    created_by: str | None
    metadata: str | None
    custom_attributes: str
    labels: str
    last_activity_at: int
    created_at: int
    updated_at: int
    last_seq: int = 0
    public_count: int = 0
    last_public_seq: int = 0
    last_content: str | None = None
    last_sender_kind: SenderKind | None = None
    last_message_at: int | None = None
    previous_content: str | None = None
    previous_sender_kind: SenderKind | None = None
    previous_message_at: int | None = None
    shown_at_override: int | None = None
    sort_at_override: int | None = None
    contact_seen_at: int | None = None
    agent_seen_at: int | None = None
    participant_count: int = 0
    removed_at: int | None = None
    source_id: str | None = None
    deleted_seq: int = 0
    deleted_public: int = 0

    @property
    def message_count(self) -> int:
        """How many messages of any kind it has."""
        return self.last_seq - self.deleted_seq

    @property
    def public_message_count(self) -> int:
        """How many of them everyone may see."""
        return self.public_count - self.deleted_public


class Participant(Struct, frozen=True):
    """One identity in a conversation, with what lists show of it.

    `read_seq` is the newest message that it has read, `read_public` the number of public messages
    up to that. Both only grow; the number of unread messages is derived from them.
    """

    conversation_id: str
    identity_id: str
    role: ParticipantRole
    joined_at: int
    left_at: int | None
    read_seq: int
    read_public: int
    read_message_id: str | None
    kind: str
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    avatar_url: str | None
    person_role: str | None


class NewConversation(Struct, frozen=True, kw_only=True):
    """The fields of a new conversation that the caller chooses; the engine checks the ids."""

    kind: str = "chat"
    title: str | None = None
    status: Status | None = None
    priority: Priority | None = None
    channel: Channel | None = None
    source: str = "api"
    inbox_id: str | None = None
    owner_id: str | None = None
    delivery_id: str | None = None
    source_id: str | None = None
    participants: tuple[tuple[str, ParticipantRole], ...] = ()
    metadata: str | None = None
    custom_attributes: str = "{}"


def unread(conversation: Conversation, me: Participant | None, sees_private: bool) -> int:
    """How many messages after its read mark the participant may see; 0 for one that is none, as it
    could not mark them as read. It is computed and not stored, so that it is always right."""
    if me is None or me.left_at is not None:
        return 0
    if sees_private:
        return conversation.last_seq - max(me.read_seq, conversation.deleted_seq)
    return conversation.public_count - max(me.read_public, conversation.deleted_public)
