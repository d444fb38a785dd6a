"""Bodies of the requests for messages (helpdesk.md, "Neighbours", D)."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from koine.dialects.helpdesk.schemas import Pagination, Time
from koine.model.message import CONTENT_LIMIT

Text = Annotated[str, Meta(min_length=1, max_length=CONTENT_LIMIT, pattern=r"\S")]


class CreateMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message to post (D); files cannot be sent here yet."""

    text: Text
    is_private: bool = False
    attachments: Annotated[list[object], Meta(max_length=0)] = []


class Sender(Struct, frozen=True):
    """The sender of a message (D)."""

    id: str = field(name="_id")
    type: Literal["customer", "user", "agent"]
    name: str | None


class Attachment(Struct, frozen=True, rename="camel"):
    """A file of a message (D); `size` in bytes."""

    id: str = field(name="_id")
    name: str
    content_type: str
    size: int


class Message(Struct, frozen=True, rename="camel"):
    """One message (D)."""

    id: str = field(name="_id")
    conversation_id: str
    text: str
    direction: Literal["inbound", "outbound"]
    is_private: bool
    sender: Sender | None
    attachments: list[Attachment]
    created_at: Time


class Messages(Struct, frozen=True, kw_only=True):
    """A page of messages (D)."""

    success: bool
    data: list[Message]
    pagination: Pagination


class OneMessage(Struct, frozen=True, kw_only=True):
    """One message (D)."""

    success: bool
    data: Message
