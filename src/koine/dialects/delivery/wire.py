"""What goes over the wire (delivery.md, Objects, D). Times are ISO 8601 UTC with milliseconds."""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from koine.model.conversation import ParticipantRole

Page = Annotated[int, Meta(ge=1)]
Role = Literal["admin", "member"]
Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Json = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
SentType = Literal["text", "image", "file", "audio", "video", "location"]
ShownType = Literal["text", "image", "file", "audio", "video", "location", "html", "system"]
MAX_USERS = 500
"""People that one call may name (D)."""

# ---------------------------------------------------------------- what comes in


class Common(Struct, frozen=True):
    """The query of every call."""

    tenant_id: Uuid | None = None
    language: str | None = None


class ListConversations(Common, frozen=True):
    """The query of a list of conversations; `limit` is cut to 100 (D)."""

    type: str | None = None
    status: Literal["active", "closed"] | None = None
    user_id: Uuid | None = None
    page: Page = 1
    limit: Page = 20


class ListMessages(Common, frozen=True):
    """The query of a list of messages; `timestamp_range` is `<start>,<end>`, ISO 8601."""

    page: Page = 1
    limit: Page = 20
    timestamp_range: str | None = None


class ReadStatus(Common, frozen=True):
    """The query of a read mark; without `message_id` it goes to the newest (D)."""

    message_id: Uuid | None = None


class NewParticipant(Struct, frozen=True):
    """Someone to take part."""

    user_id: Uuid
    role: Role = "member"


class CreateConversation(Struct, frozen=True):
    """The body that opens a conversation. `type` is ignored: it is always `order` (S)."""

    delivery_id: Uuid | None = None
    metadata: dict[str, object] | None = None
    participants: Annotated[list[Uuid | NewParticipant], Meta(max_length=MAX_USERS)] | None = None
    title: Annotated[str, Meta(max_length=1000)] | None = None


class SendMessage(Struct, frozen=True):
    """The body that sends a message; `html` is the server's own (S)."""

    message_type: SentType | None = None
    content: str | None = None
    content_url: Annotated[str, Meta(max_length=2048)] | None = None
    metadata: dict[str, object] | None = None
    parent_message_id: Uuid | None = None


class ChangeParticipants(Struct, frozen=True):
    """The body that adds, removes or changes participants."""

    action: Literal["add", "remove", "update"]
    user_ids: Annotated[list[Uuid], Meta(min_length=1, max_length=MAX_USERS)]
    role: Role = "member"


# ---------------------------------------------------------------- what goes out


class User(Struct, frozen=True, gc=False):
    """A participant's person (S: name, email, avatar)."""

    id: Uuid
    name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    avatar: str | None


class Participant(Struct, frozen=True, gc=False):
    """One person's part in a conversation, also after it ended (`left_at`)."""

    user_id: Uuid
    role: ParticipantRole
    joined_at: Time
    left_at: Time | None
    last_read_message_id: Uuid | None
    user: User


class Sender(Struct, frozen=True, gc=False):
    """Who sent a message, as they are now."""

    id: Uuid
    name: str | None
    email: str | None
    avatar: str | None
    role: str | None


class MessageItem(Struct, frozen=True, gc=False):
    """One message; the server's own has no sender."""

    id: Uuid
    conversation_id: Uuid
    sender_id: Uuid | None
    sender: Sender | None
    message_type: ShownType
    content: str | None
    content_url: str | None
    metadata: Json
    parent_message_id: Uuid | None
    created_at: Time


class Conversation(Struct, frozen=True, gc=False):
    """One conversation with its participants and latest message; `unread_count` is the caller's,
    in a list of `user_id` that user's."""

    id: Uuid
    tenant_id: Uuid
    type: str
    status: Literal["active", "closed"]
    title: str | None
    delivery_id: Uuid | None
    metadata: Json
    created_by: Uuid | None
    created_at: Time
    updated_at: Time
    participants: list[Participant]
    latest_message: MessageItem | None
    unread_count: int


class Done(Struct, frozen=True):
    """An answer that holds no noun."""

    success: bool
    message: str


class Conversations(Struct, frozen=True):
    """A page of conversations."""

    success: bool
    message: str
    conversations: list[Conversation]
    total: int
    page: int
    limit: int


class OneConversation(Struct, frozen=True):
    """A conversation."""

    success: bool
    message: str
    conversation: Conversation


class Messages(Struct, frozen=True):
    """A page of messages, newest first."""

    success: bool
    message: str
    messages: list[MessageItem]
    total: int
    page: int
    limit: int


class MessageSent(Struct, frozen=True):
    """A message that was sent: under `data`, because `message` is the text (D)."""

    success: bool
    message: str
    data: MessageItem


class MemberResult(Struct, frozen=True):
    """What became of one user."""

    user_id: Uuid
    success: bool
    message: str


class MemberResults(Struct, frozen=True):
    """What became of each user; `success` when of all."""

    success: bool
    message: str
    results: list[MemberResult]
