"""Bodies and queries of the requests for messages, in the order of chats.md (F)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from koine.dialects.chats.schemas import Role, Time, Uuid
from koine.model.message import CONTENT_LIMIT

Limit = Annotated[float, Meta(ge=1, le=1000, multiple_of=1)]
DEFAULT_LIMIT = 250
ExternalId = Annotated[str, Meta(min_length=1, max_length=250)]


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


class NewChatMessage(Struct, frozen=True, rename="camel"):
    """A message to post."""

    chat_id: Uuid
    content: Annotated[str, Meta(min_length=1, max_length=CONTENT_LIMIT)]
    role: Literal["user", "assistant"]
    chat_thread_id: Uuid | None = None
    external_id: ExternalId | None = None


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
