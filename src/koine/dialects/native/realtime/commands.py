"""What a client may say over `/v1/socket`, done and answered. Nothing it says is a crash."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Struct

from koine.dialects.native import auth, errors, fields
from koine.dialects.native.realtime import encoder, schemas
from koine.dialects.native.realtime import socket_schemas as wire
from koine.dialects.native.realtime.filter import resolve_filter
from koine.engine.auth import presence_access
from koine.engine.core.context import Engine
from koine.http.rate_limits import RateLimiter
from koine.http.validation_errors import from_validation
from koine.kit.json import BOM, BadJson, loads_strict
from koine.model.actor import Actor
from koine.model.errors import Forbidden, Invalid, Malformed, Refusal, TooLarge, TooMany
from koine.realtime.realtime import Realtime

MAX_FRAME_BYTES = 64 * 1024
"""Bytes of one frame."""
T = TypeVar("T")


class SocketCredential:
    """The credential of a socket; a client may show the next one before it expires."""

    def __init__(self, engine: Engine, token: str, tenant_id: str | None) -> None:
        self._engine = engine
        self._tenant_id = tenant_id
        self.token = token

    async def authenticate(self, token: str | None = None) -> Actor:
        """Who holds it, or would hold this one. Raises Unauthenticated, Forbidden, Invalid."""
        return auth.require_read(
            await auth.actor_of(self._engine, token or self.token, self._tenant_id)
        )


class CommandLimit:
    """How much one socket may say; `refused` counts what was too much."""

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


class WebSocketSession:
    """One socket: whose it is, what it asked for, and which events are on their way to it."""

    def __init__(
        self,
        relay: Realtime,
        key: SocketCredential,
        voice: encoder.NativeReader,
        limit: CommandLimit,
        window: int | None,
    ) -> None:
        self.reader = voice
        self.limit = limit
        self.last_cursor = ""
        self._relay = relay
        self._engine = relay.engine
        self._credential = key
        self._window = window
        self._unacknowledged: deque[str] = deque()
        self._acknowledged = asyncio.Event()

    async def handle(self, said: str) -> wire.Ok | wire.Refused:
        """Do one command. Raises TooLarge, after which the client is not listened to."""
        command_id: wire.CommandId | None = None
        try:
            self.limit.check(self._engine.clock.now())
            command_id = _id(said)
            await self._do(_command(said))
        except TooLarge:
            raise
        except Refusal as refusal:
            return error_reply(command_id, refusal)
        return wire.Ok(command_id)

    def record_sent(self, cursor: str) -> None:
        """An event is on its way."""
        self.last_cursor = cursor
        if self._window is not None:
            self._unacknowledged.append(cursor)

    def has_window(self) -> bool:
        """Whether another event may be on its way."""
        return self._window is None or len(self._unacknowledged) < self._window

    async def wait_for_ack(self, wait: float) -> None:
        """Wait until something is acknowledged, `wait` seconds at most."""
        self._acknowledged.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._acknowledged.wait()

    async def _do(self, command: wire.Command) -> None:
        match command:
            case wire.Subscribe(kinds=kinds, conversations=ids):
                actor = self.reader.actor
                self.reader.filter = await resolve_filter(self._engine, actor, kinds, ids)
            case wire.SayTyping():
                await self._typing(command)
            case wire.SayPresence(availability=availability):
                self._relay.presence.set(self.reader.actor, availability)
            case wire.Ack(cursor=cursor):
                self._ack(cursor)
            case wire.NewToken(token=token):
                await self._renew(token)
            case wire.Ping():
                pass

    async def _typing(self, command: wire.SayTyping) -> None:
        actor = auth.require_write(self.reader.actor)
        conversation_id = fields.parse_id("conversation_id", command.conversation_id)
        who = await presence_access.typing_user(
            self._engine, actor, conversation_id, command.private
        )
        said = schemas.SayTyping(command.on, command.private)
        self._relay.publish_ephemeral(encoder.typing_event(actor, who, conversation_id, said))

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


def parse_frame(said: str, kind: type[T]) -> T:
    """A frame as one of these. Raises TooLarge, Malformed, Invalid."""
    raw = said.removeprefix(BOM).encode("utf-8", "replace")
    if len(raw) > MAX_FRAME_BYTES:
        raise TooLarge(MAX_FRAME_BYTES)
    try:
        return msgspec.convert(loads_strict(raw), kind)
    except BadJson as error:
        raise Malformed(error.reason) from None
    except msgspec.ValidationError as error:
        raise from_validation(error) from None


def error_reply(command_id: wire.CommandId | None, refusal: Refusal) -> wire.Refused:
    """How a refusal is told."""
    slug, detail, reason = errors.describe(refusal)
    return wire.Refused(command_id, slug, detail, reason)


def _command(said: str) -> wire.Command:
    kind: type[wire.Command] = wire.Command  # type: ignore[assignment]  # a union is no class
    return parse_frame(said, kind)


def _id(said: str) -> wire.CommandId | None:
    """The id of a command, however wrong the rest of it is."""
    try:
        return msgspec.json.decode(said, type=_Identified).id
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


class _Identified(Struct):
    id: wire.CommandId | None = None
