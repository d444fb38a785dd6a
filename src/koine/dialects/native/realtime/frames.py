"""The frames of `/v1/socket`: commands of the client, and what the server sends beside events."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.native.schemas import Id

Token = Annotated[str, Meta(min_length=1, max_length=8192)]
CursorText = Annotated[str, Meta(min_length=1, max_length=100)]
Name = Annotated[str, Meta(max_length=100)]
Window = Annotated[int, Meta(ge=1, le=1000)]
CommandId = Annotated[str, Meta(max_length=100)] | int


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first frame: an access token or API key, and which events to send from where. With
    `window`, at most that many events are sent without an `ack`."""

    token: Token
    tenant_id: Id | None = None
    cursor: CursorText | None = None
    window: Window | None = None
    kinds: Annotated[list[Name], Meta(max_length=100)] | None = None
    conversations: Annotated[list[Id], Meta(max_length=100)] | None = None


class Subscribe(Struct, frozen=True, kw_only=True, tag="subscribe"):
    """Send only these kinds of events of these conversations from now on; without, all."""

    id: CommandId | None = None
    kinds: Annotated[list[Name], Meta(max_length=100)] | None = None
    conversations: Annotated[list[Id], Meta(max_length=100)] | None = None


class SetTyping(Struct, frozen=True, kw_only=True, tag="typing"):
    """The caller is typing, or stopped; `private` for a private note."""

    id: CommandId | None = None
    conversation_id: Id
    on: bool = True
    private: bool = False


class SetPresence(Struct, frozen=True, kw_only=True, tag="presence"):
    """The caller is away, or back."""

    id: CommandId | None = None
    availability: Literal["online", "away"]


class Ping(Struct, frozen=True, kw_only=True, tag="ping"):
    """Asks for an `ok`, to find out whether the connection is open."""

    id: CommandId | None = None


class Ack(Struct, frozen=True, kw_only=True, tag="ack"):
    """The client has processed all events up to this cursor."""

    id: CommandId | None = None
    cursor: CursorText


class NewToken(Struct, frozen=True, kw_only=True, tag="token"):
    """The same caller's next credential, before the present one expires."""

    id: CommandId | None = None
    token: Token


Command = Subscribe | SetTyping | SetPresence | Ping | Ack | NewToken


class Ok(Struct, frozen=True, tag="ok"):
    """A command was done."""

    id: CommandId | None


class Refused(Struct, frozen=True, tag="error"):
    """A command, or the first frame, was refused: `error` as in the `type` of a problem."""

    id: CommandId | None
    error: str
    message: str
    reason: str | None = None


class Ready(Struct, frozen=True, tag="ready"):
    """The stream has begun; the first event is the one after this cursor."""

    cursor: str


class Reset(Struct, frozen=True, tag="reset"):
    """The client's cursor is not valid any more: read everything again, then continue here."""

    reason: str
    cursor: str


class Heartbeat(Struct, frozen=True, tag="beat"):
    """A heartbeat. Its cursor advances past events that the client does not receive."""

    cursor: str


class Closing(Struct, frozen=True, tag="closing"):
    """The server closes the socket; connect again after `retry_ms` with this cursor."""

    reason: str
    cursor: str
    retry_ms: int
