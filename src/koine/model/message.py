"""Messages: what is posted (`Draft`) and what is kept (`Message`)."""

from typing import Literal

from msgspec import Struct

from koine.model.conversation import SenderKind

MessageType = Literal[
    "text", "image", "file", "audio", "video", "location", "html", "system", "template"
]
CLIENT_TYPES: frozenset[str] = frozenset({"text", "image", "file", "audio", "video", "location"})
"""What a client may post (delivery.md, S: `html` is reserved for the server)."""

WhenClosed = Literal["refuse", "reopen", "keep"]

CONTENT_LIMIT = 150_000
"""Characters in one message (inbox.md, F), the same limit for every dialect."""


class Message(Struct, frozen=True):
    """One message. `seq` is dense within the conversation; `public_seq` counts the public ones up
    to and including this; `number` counts the server's messages, with gaps, growing within the
    conversation. `sender_*` is the sender as it is now. `client_key` is the sender's own
    key, unique in the conversation for ever. `attachments` is a JSON array or None.
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
    """A message as a dialect asks for it to be posted.

    `sender_id` None with kind `system` is the server itself. `must_participate` refuses a sender
    who is not, or no longer, a participant (delivery.md, S). `may_be_empty` lets a text without
    any text pass (inbox.md, F). `when_closed` says what a closed conversation does: refuse
    (delivery.md, S), reopen (inbox.md, F) or keep its status. `echo_id` goes with the message's
    event and is kept nowhere else: the client knows its own message by it (inbox.md, F).
    `sees_private` lets it answer a private note, which for others is not there.
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
    """A stored file of a message; in `Message.attachments` as JSON. Sizes in bytes and pixels."""

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
