"""The commands of a client over `/v1/socket`. Each gets a reply, a bad one an error."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Struct

from koine.dialects.native import auth, errors
from koine.dialects.native.realtime import encoder, frames, schemas
from koine.dialects.native.realtime.filter import resolve_filter
from koine.engine.auth import presence_access
from koine.engine.core.engine import Engine
from koine.http.rate_limits import RateLimiter
from koine.http.validation_errors import from_validation
from koine.kit.json import BOM, BadJson, loads_strict
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Invalid, Malformed, Refusal, TooLarge, TooMany
from koine.model.ids import parse_id
from koine.realtime.realtime import Realtime

MAX_FRAME_BYTES = 64 * 1024
"""The longest frame that is accepted."""
T = TypeVar("T")


class SocketCredential:
    """The credential of a socket. A client may replace it before it expires."""

    def __init__(self, engine: Engine, token: str, tenant_id: str | None) -> None:
        self._engine = engine
        self._tenant_id = tenant_id
        self.token = token

    async def authenticate(self, token: str | None = None) -> Actor:
        """The actor of this credential, or of the `token` that is to replace it. Raises
        Unauthenticated, Forbidden, Invalid."""
        return auth.require_read(
            await auth.actor_of(self._engine, token or self.token, self._tenant_id)
        )


class CommandLimit:
    """The rate limit of the commands of one socket; `refused` counts those beyond it."""

    def __init__(self, limiter: RateLimiter, name: str, per_minute: int) -> None:
        self.refused = 0
        self.name = name
        self._limiter = limiter
        self._per_minute = per_minute

    def check(self, now: int) -> None:
        """Count one command. Raises TooMany."""
        try:
            self._limiter.check(self.name, self._per_minute, now)
        except TooMany:
            self.refused += 1
            raise


class WebSocketConnection:
    """One authenticated socket: its reader, its rate limit, and its window.

    The window bounds how many events may be sent without an acknowledgement, so that a slow client
    slows down its own socket alone. None: no bound.
    """

    def __init__(
        self,
        realtime: Realtime,
        credential: SocketCredential,
        reader: encoder.NativeReader,
        limit: CommandLimit,
        window: int | None,
    ) -> None:
        self.reader = reader
        self.limit = limit
        self.last_cursor = ""
        self._realtime = realtime
        self._engine = realtime.engine
        self._credential = credential
        self._window = window
        self._unacknowledged: deque[str] = deque()
        self._acknowledged = asyncio.Event()

    async def handle(self, text: str) -> frames.Ok | frames.Refused:
        """Do one command; the reply. Raises TooLarge, after which the socket is to be closed."""
        command_id: frames.CommandId | None = None
        try:
            self.limit.check(self._engine.clock.now())
            command_id = _command_id(text)
            await self._do(_parse_command(text))
        except TooLarge:
            raise
        except Refusal as refusal:
            return error_reply(command_id, refusal)
        return frames.Ok(command_id)

    def record_sent(self, cursor: str) -> None:
        """Count a sent event as unacknowledged."""
        self.last_cursor = cursor
        if self._window is not None:
            self._unacknowledged.append(cursor)

    def has_window(self) -> bool:
        """Whether one more event may be sent."""
        return self._window is None or len(self._unacknowledged) < self._window

    async def wait_for_ack(self, wait: float) -> None:
        """Wait for an acknowledgement, `wait` seconds at most."""
        self._acknowledged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._acknowledged.wait()

    async def _do(self, command: frames.Command) -> None:
        match command:
            case frames.Subscribe(kinds=kinds, conversations=ids):
                actor = self.reader.actor
                self.reader.filter = await resolve_filter(self._engine, actor, kinds, ids)
            case frames.SetTyping():
                await self._typing(command)
            case frames.SetPresence(availability=availability):
                self._realtime.presence.set(self.reader.actor, availability)
            case frames.Ack(cursor=cursor):
                self._ack(cursor)
            case frames.NewToken(token=token):
                await self._renew(token)
            case frames.Ping():
                pass

    async def _typing(self, command: frames.SetTyping) -> None:
        actor = auth.require_write(self.reader.actor)
        conversation_id = parse_id("conversation_id", command.conversation_id)
        who = await presence_access.typing_user(
            self._engine, actor, conversation_id, command.private
        )
        typing = schemas.SetTyping(command.on, command.private)
        self._realtime.publish_ephemeral(encoder.typing_event(actor, who, conversation_id, typing))

    def _ack(self, cursor: str) -> None:
        if cursor not in self._unacknowledged:
            raise Invalid("cursor", "unknown", "no event with this cursor waits for an ack")
        while self._unacknowledged.popleft() != cursor:
            pass
        self._acknowledged.set()

    async def _renew(self, token: str) -> None:
        before, after = self.reader.actor, await self._credential.authenticate(token)
        if (after.tenant_id, after.identity_id) != (before.tenant_id, before.identity_id):
            raise Forbidden("user")
        self._credential.token = token
        self.reader.actor = after


def parse_frame(text: str, kind: type[T]) -> T:
    """A frame, decoded and checked. Raises TooLarge, Malformed, Invalid."""
    raw = text.removeprefix(BOM).encode("utf-8", "replace")
    if len(raw) > MAX_FRAME_BYTES:
        raise TooLarge(MAX_FRAME_BYTES)
    try:
        return msgspec.convert(loads_strict(raw), kind)
    except BadJson as error:
        raise Malformed(error.reason) from None
    except msgspec.ValidationError as error:
        raise from_validation(error) from None


def error_reply(command_id: frames.CommandId | None, refusal: Refusal) -> frames.Refused:
    """The frame of a refusal."""
    slug, detail, reason = errors.describe(refusal)
    return frames.Refused(command_id, slug, detail, reason)


def _parse_command(text: str) -> frames.Command:
    kind: type[frames.Command] = frames.Command  # type: ignore[assignment]  # a union, which mypy does not take for a type[T]
    return parse_frame(text, kind)


def _command_id(text: str) -> frames.CommandId | None:
    """The id of a command, even if the rest of it is invalid: the error names it."""
    try:
        return msgspec.json.decode(text, type=_Identified).id
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


class _Identified(Struct):
    id: frames.CommandId | None = None
