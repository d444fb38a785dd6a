"""What goes over the wire, field by field in the order of chats.md (S)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from koine.model.filters import Search
from koine.model.message import CONTENT_LIMIT

Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
ChannelType = Literal["widget", "waha", "whatsapp", "instagram", "api"]
ResponderEntity = Literal["agents", "squads", "workflows"]
Role = Literal["user", "assistant", "attendant", "system"]
TicketStatus = Literal["pending", "ongoing", "completed"]
Page = Annotated[float, Meta(ge=1, multiple_of=1)]
PageSize = Annotated[float, Meta(ge=1, le=100, multiple_of=1)]
Limit = Annotated[float, Meta(ge=1, le=1000, multiple_of=1)]
DEFAULT_LIMIT = 250
ExternalId = Annotated[str, Meta(min_length=1, max_length=250)]

# ---------------------------------------------------------------- answers


class Chat(Struct, frozen=True, rename="camel"):
    """A chat."""

    created_at: Time
    id: Uuid
    is_removed: bool
    updated_at: Time
    channel_id: Uuid | None
    current_responder_id: Uuid | None
    last_chat_message_created_at: Time | None
    owner_id: Uuid
    responder_id: Uuid
    title: str | None
    workspace_id: Uuid


class ChatDetails(Struct, frozen=True, rename="camel"):
    """A chat with what a list of chats shows. It has no `updatedAt`."""

    channel_id: Uuid | None
    channel_name: str | None
    channel_type: ChannelType | None
    created_at: Time
    id: Uuid
    is_owner_blocked: bool | None
    is_removed: bool
    last_message_content: str | None
    last_message_created_at: Time | None
    last_message_role: Role | None
    owner_email: str | None
    owner_id: Uuid
    owner_identifier: str | None
    owner_name: str | None
    penultimate_message_content: str | None
    penultimate_message_created_at: Time | None
    penultimate_message_role: Role | None
    responder_entity: ResponderEntity
    responder_id: Uuid
    responder_name: str
    responder_picture: str | None
    responder_version_id: Uuid | None
    responder_version_number: int | None
    ticket_id: Uuid | None
    ticket_status: TicketStatus | None
    title: str | None
    workspace_id: Uuid


class Informed(Struct, frozen=True):
    """The answer of a call that has nothing to show."""

    message: str


class ChatMessage(Struct, frozen=True, rename="camel"):
    """A message of a chat."""

    created_at: Time
    id: Uuid
    updated_at: Time
    chat_id: Uuid
    chat_thread_id: Uuid | None
    content: str
    external_id: str | None
    raw_content: str | None
    role: Role
    sender_id: Uuid | None


# ---------------------------------------------------------------- requests


class NewChat(Struct, frozen=True, rename="camel"):
    """All three keys are required."""

    channel_id: Uuid | None
    owner_id: Uuid
    title: str | None


class ChatChanges(Struct, frozen=True, rename="camel"):
    """An absent key changes nothing; null is a value."""

    last_chat_message_created_at: Time | None | UnsetType = UNSET
    title: str | None | UnsetType = UNSET


class NewChatMessage(Struct, frozen=True, rename="camel"):
    """A message to post."""

    chat_id: Uuid
    content: Annotated[str, Meta(min_length=1, max_length=CONTENT_LIMIT)]
    role: Literal["user", "assistant"]
    chat_thread_id: Uuid | None = None
    external_id: ExternalId | None = None


class VersionQuery(Struct, frozen=True, rename="camel"):
    """The query of one chat's details."""

    responder_version_id: str | None = None


class DetailsQuery(Struct, frozen=True, rename="camel"):
    """The query of the list of chats with details; `cursor` is Koine's (D)."""

    channel_ids: list[Uuid] = []
    responder_ids: list[Uuid] = []
    responder_version_ids: list[Uuid] = []
    page_number: Page = 1
    page_size: PageSize = 10
    search: Search | None = None
    cursor: str | None = None


_ALL = Meta(description="Without it: every channel type, and chats without a channel.")


class ChatsQuery(DetailsQuery, frozen=True, rename="camel"):
    """The query of the list of chats. No `channelTypes` is every chat, without a channel too."""

    channel_types: Annotated[list[ChannelType], _ALL] = []
    owner_ids: list[Uuid] = []
    last_chat_message_created_at_start: Time | None = None
    last_chat_message_created_at_end: Time | None = None


class Pagination(Struct, frozen=True):
    """How many messages, where `pagination` is JSON (D)."""

    limit: Limit = DEFAULT_LIMIT


class MessagesQuery(Struct, frozen=True, rename="camel"):
    """The query of the list of messages; `chatId` is required. The limit has three spellings."""

    chat_id: Uuid
    chat_thread_id: Uuid | None = None
    joins: list[Literal["chat-message-follow-ups", "senders"]] = []
    limit_in_brackets: Limit | None = field(name="pagination[limit]", default=None)
    pagination: str | None = None
    limit: Limit | None = None
    ticket_ids: list[Uuid] = []
    cursor: str | None = None
