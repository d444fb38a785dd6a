"""What a client says over `/v1/socket`, and what it is told beside events and whispers."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from koine.dialects.native.schemas import Id

Token = Annotated[str, Meta(min_length=1, max_length=8192)]
CursorText = Annotated[str, Meta(min_length=1, max_length=100)]
Name = Annotated[str, Meta(max_length=100)]
Window = Annotated[int, Meta(ge=1, le=1000)]
CommandId = Annotated[str, Meta(max_length=100)] | int


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first frame: an access token or API key, and what to follow from where. With `window` at
    most so many events are on their way without an `ack`."""

    token: Token
    tenant_id: Id | None = None
    cursor: CursorText | None = None
    window: Window | None = None
    kinds: Annotated[list[Name], Meta(max_length=100)] | None = None
    conversations: Annotated[list[Id], Meta(max_length=100)] | None = None


class Subscribe(Struct, frozen=True, kw_only=True, tag="subscribe"):
    """From now on these kinds of these conversations alone; everything without."""

    id: CommandId | None = None
    kinds: Annotated[list[Name], Meta(max_length=100)] | None = None
    conversations: Annotated[list[Id], Meta(max_length=100)] | None = None


class SayTyping(Struct, frozen=True, kw_only=True, tag="typing"):
    """The caller is writing, or stopped; `private` for a private note."""

    id: CommandId | None = None
    conversation_id: Id
    on: bool = True
    private: bool = False


class SayPresence(Struct, frozen=True, kw_only=True, tag="presence"):
    """The caller is away, or back."""

    id: CommandId | None = None
    availability: Literal["online", "away"]


class Ping(Struct, frozen=True, kw_only=True, tag="ping"):
    """Is anybody there?"""

    id: CommandId | None = None


class Ack(Struct, frozen=True, kw_only=True, tag="ack"):
    """Everything up to this cursor has been dealt with."""

    id: CommandId | None = None
    cursor: CursorText


class NewToken(Struct, frozen=True, kw_only=True, tag="token"):
    """The same caller's next credential, before the present one expires."""

    id: CommandId | None = None
    token: Token


Command = Subscribe | SayTyping | SayPresence | Ping | Ack | NewToken


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
    """The caller follows from behind this cursor."""

    cursor: str


class Reset(Struct, frozen=True, tag="reset"):
    """The cursor shown is worth nothing: read everything again, then go on from this one."""

    reason: str
    cursor: str


class Beat(Struct, frozen=True, tag="beat"):
    """Nothing happened; the cursor goes on all the same."""

    cursor: str


class Closing(Struct, frozen=True, tag="closing"):
    """The socket closes now; come back after `retry_ms` with the cursor."""

    reason: str
    cursor: str
    retry_ms: int
