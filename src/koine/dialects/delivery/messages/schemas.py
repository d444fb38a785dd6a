"""Bodies and queries of the requests for messages (delivery.md, Objects, D)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.delivery.schemas import Common, Json, Page, Time, Uuid

SentType = Literal["text", "image", "file", "audio", "video", "location"]
ShownType = Literal["text", "image", "file", "audio", "video", "location", "html", "system"]


class ListMessages(Common, frozen=True):
    """The query of a list of messages; `timestamp_range` is `<start>,<end>`, ISO 8601."""

    page: Page = 1
    limit: Page = 20
    timestamp_range: str | None = None


class SendMessage(Struct, frozen=True):
    """A new message; `html` is made by the server (S)."""

    message_type: SentType | None = None
    content: str | None = None
    content_url: Annotated[str, Meta(max_length=2048)] | None = None
    metadata: dict[str, object] | None = None
    parent_message_id: Uuid | None = None


class Sender(Struct, frozen=True, gc=False):
    """Who sent a message, as they are now."""

    id: Uuid
    name: str | None
    email: str | None
    avatar: str | None
    role: str | None


class MessageItem(Struct, frozen=True, gc=False):
    """One message; a message of the server has no sender."""

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
