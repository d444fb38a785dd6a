"""The types of messages."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from koine.dialects.native.schemas import Id, JsonObject, PageQuery, RenderedObject, Text, Time
from koine.model.conversation import SenderKind
from koine.model.message import CONTENT_LIMIT, MessageType, WhenClosed


class MessageQuery(PageQuery, frozen=True, kw_only=True):
    """Messages with a `seq` below `before` and above `after`, made from one time to another."""

    before: Annotated[int, Meta(ge=1)] | None = None
    after: Annotated[int, Meta(ge=0)] | None = None
    start: Time | None = msgspec.field(name="from", default=None)
    end: Time | None = msgspec.field(name="to", default=None)
    order: Literal["asc", "desc"] = "desc"


class CreateMessage(Struct, frozen=True, kw_only=True):
    """A message to post. `private`, `as_responder` and `when_closed` are for staff."""

    content: Annotated[str, Meta(max_length=CONTENT_LIMIT)] | None = None
    type: Literal["text", "image", "file", "audio", "video", "location"] = "text"
    content_url: Text | None = None
    metadata: JsonObject | None = None
    parent_id: Id | None = None
    private: bool = False
    as_responder: bool = False
    when_closed: WhenClosed = "refuse"
    client_message_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Sender(Struct, frozen=True):
    """The sender; without an id for a message of the server itself."""

    id: str | None
    kind: SenderKind
    name: str | None
    avatar_url: str | None


class Attachment(Struct, frozen=True):
    """A stored file of a message; `size` in bytes, width and height of an image in pixels. The
    `url` needs no credential."""

    id: str
    file_type: str
    name: str
    content_type: str
    size: int
    width: int | None
    height: int | None
    url: str


class Message(Struct, frozen=True):
    """One message. `seq` numbers every message of the conversation, `public_seq` those everyone
    may see."""

    id: str
    conversation_id: str
    seq: int
    public_seq: int
    type: MessageType
    content: str | None
    content_url: str | None
    content_type: str
    content_attributes: RenderedObject
    metadata: JsonObject | msgspec.Raw | None
    parent_id: str | None
    private: bool
    sender: Sender
    attachments: list[Attachment]
    client_message_id: str | None
    created_at: str
    updated_at: str


class Messages(Struct, frozen=True):
    """A page of messages, newest first unless asked otherwise."""

    data: list[Message]
    next_cursor: str | None
