"""Messages: what is sent (`Draft`) and what is stored (`Message`)."""

from typing import Literal

from msgspec import Struct

from koine.model.conversation import SenderKind

MessageType = Literal[
    "text", "image", "file", "audio", "video", "location", "html", "system", "template"
]
CLIENT_TYPES: frozenset[str] = frozenset({"text", "image", "file", "audio", "video", "location"})
"""What clients may send (delivery.md, S: `html` is reserved for the server)."""

WhenClosed = Literal["refuse", "reopen", "keep"]

CONTENT_LIMIT = 150_000
"""Characters in one message (inbox.md, F), the same limit for every dialect."""


class Message(Struct, frozen=True):
    """One message. `seq` counts the messages of the conversation, without gaps but for the first
    ones, which retention deletes; `public_seq` the public ones up to this; `number` all messages of
    the server, with gaps, growing within a conversation. `sender_*` is the sender as it is now.
    `client_key` is chosen by the sender and unique in the conversation while the message is there.
    `attachments` is a JSON array or None.
    """

    id: str
    conversation_id: str
    seq: int
    public_seq: int
    sender_id: str | None
    sender_kind: SenderKind
    type: MessageType
    content: str | None
    content_url: str | None
    content_type: str
    content_attributes: str
    metadata: str | None
    parent_id: str | None
    private: bool
    client_key: str | None
    attachments: str | None
    created_at: int
    updated_at: int
    number: int = 0
    sender_name: str | None = None
    sender_email: str | None = None
    sender_avatar_url: str | None = None
    sender_role: str | None = None
    sender_number: int | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """A message to be sent.

    Without `sender_id` and with kind `system` the server is the sender. `must_participate` refuses
    a sender that is no participant, or no longer (delivery.md, S). `may_be_empty` allows a text
    message without text (inbox.md, F). `when_closed`: a closed conversation refuses the message
    (delivery.md, S), is reopened (inbox.md, F) or keeps its status. `echo_id` is only in the
    message's event: by it a client recognises its own message (inbox.md, F). `sees_private`: the
    sender may reply to a private note, which for others does not exist.
    """

    content: str | None = None
    type: MessageType = "text"
    content_url: str | None = None
    content_type: str = "text"
    content_attributes: str = "{}"
    metadata: str | None = None
    parent_id: str | None = None
    private: bool = False
    client_key: str | None = None
    attachments: str | None = None
    sender_id: str | None = None
    sender_kind: SenderKind = "user"
    must_participate: bool = False
    may_be_empty: bool = False
    when_closed: WhenClosed = "keep"
    echo_id: str | int | float | None = None
    sees_private: bool = False


class Attachment(Struct, frozen=True):
    """A file of a message; in `Message.attachments` as JSON. Sizes are in bytes and pixels."""

    id: str
    number: int
    file_type: str
    name: str
    extension: str | None
    content_type: str
    size: int
    key: str
    width: int | None = None
    height: int | None = None
