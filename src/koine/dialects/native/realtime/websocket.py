"""`/v1/socket`: the events of `/v1/events` over a WebSocket, and commands the other way."""

import asyncio
import contextlib

import msgspec

from koine.dialects.native import auth, errors
from koine.dialects.native.realtime import commands, encoder
from koine.dialects.native.realtime import socket_schemas as wire
from koine.dialects.native.realtime.filter import resolve_filter
from koine.http import sse
from koine.http.rate_limits import RateLimiter, limit_unauthenticated
from koine.http.socket import (
    GOING_AWAY,
    MESSAGE_TOO_BIG,
    POLICY_VIOLATION,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    Disconnected,
    WebSocket,
)
from koine.kit import metrics
from koine.model.errors import Refusal, TooLarge, TooMany, Unauthenticated, Unavailable
from koine.realtime.subscriber import Closed, CloseReason, Subscriber

HEARTBEAT_SECONDS = 25.0
ACK_SECONDS = 30.0
"""How long a reader with a window may leave all of it unacknowledged."""
COMMANDS_PER_MINUTE = 600
MAX_REFUSED_COMMANDS = 100
"""Commands beyond the limit that are answered before the socket is closed."""
CLOSE_CODES: dict[CloseReason, int] = {
    "revoked": POLICY_VIOLATION,
    "expired": POLICY_VIOLATION,
    "draining": SERVICE_RESTART,
}
REFUSAL_CODES: dict[type[Refusal], int] = {Unavailable: SERVICE_RESTART, TooMany: TRY_AGAIN_LATER}
"""Codes of who is not let in, and may be later; all others are let in never."""
_ACK_POLL_SECONDS = 1.0
_encode = msgspec.json.encode


async def serve(socket: WebSocket, calls: RateLimiter, said: RateLimiter) -> None:
    """One connection, from its handshake to its end; `calls` counts callers, `said` commands."""
    await socket.accept()
    try:
        talk, hello = await _authenticate(socket, calls, said)
    except Refusal as refusal:
        await socket.send(to_text(commands.error_reply(None, refusal)))
        code = next(
            (code for kind, code in REFUSAL_CODES.items() if isinstance(refusal, kind)),
            POLICY_VIOLATION,
        )
        await socket.close(code, errors.describe(refusal)[0])
        return
    seat = await socket.realtime.connect(talk.reader, hello.cursor)
    hearing = asyncio.create_task(_receive_loop(socket, talk, seat))
    try:
        await _send_loop(socket, talk, seat)
    finally:
        said.reset(talk.limit.name)
        socket.realtime.disconnect(seat)
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing


def to_text(told: msgspec.Struct) -> str:
    """What the client is told, as text."""
    return _encode(told).decode()


def frame(kind: str, data: bytes) -> bytes:
    """An event, or a whisper, which comes as it is under its type."""
    if kind in ("typing", "presence"):
        return b'{"type":"' + kind.encode() + b'",' + data[1:]
    return data


async def _authenticate(
    socket: WebSocket, calls: RateLimiter, said: RateLimiter
) -> tuple[commands.WebSocketSession, wire.Hello]:
    """Who calls, by the first frame. Raises Refusal, Gone."""
    call = socket.request
    if socket.realtime.draining.started:
        raise Unavailable()
    try:
        async with asyncio.timeout(call.engine.settings.socket_login_seconds):
            first = await socket.receive()
    except TimeoutError:
        metrics.CONNECTIONS_ENDED.labels("hello").inc()
        raise Unauthenticated("missing") from None
    hello = commands.parse_frame(first, wire.Hello)
    key = commands.SocketCredential(call.engine, hello.token, hello.tenant_id)
    try:
        actor = await key.authenticate()
    except Unauthenticated:
        limit_unauthenticated(call, calls)
        raise
    auth.limit_actor(call, calls, actor)
    call.take_credential_slot(actor)
    asked_for = await resolve_filter(call.engine, actor, hello.kinds, hello.conversations)
    events = encoder.NativeEventEncoder(call.base_url, frame)
    voice = encoder.NativeReader(actor, key.authenticate, asked_for, events)
    limit = commands.CommandLimit(said, call.request_id, COMMANDS_PER_MINUTE)
    return commands.WebSocketSession(socket.realtime, key, voice, limit, hello.window), hello


async def _receive_loop(
    socket: WebSocket, talk: commands.WebSocketSession, seat: Subscriber
) -> None:
    """Do what the client says until it is gone, or says too much."""
    try:
        while talk.limit.refused < MAX_REFUSED_COMMANDS:
            said = await socket.receive()
            await socket.send(to_text(await talk.handle(said)))
        await socket.close(POLICY_VIOLATION, "too-many-requests")
    except TooLarge:
        await socket.close(MESSAGE_TOO_BIG, "too-large")
    except Disconnected:
        pass
    finally:
        seat.leave()


async def _send_loop(socket: WebSocket, talk: commands.WebSocketSession, seat: Subscriber) -> None:
    draining = socket.realtime.draining
    with contextlib.suppress(Disconnected):
        await socket.send(to_text(wire.Ready(seat.cursor)))
        try:
            while True:
                await _send_next(socket, talk, seat)
        except Closed as closed:
            retry = draining.retry_after_ms() if closed.reason == "draining" else sse.RETRY_MS
            cursor = closed.cursor
            reason: str = closed.reason
            code = CLOSE_CODES.get(closed.reason, GOING_AWAY)
        except Unavailable:
            reason, cursor, retry, code = "unavailable", seat.cursor, sse.RETRY_MS, SERVICE_RESTART
        except TooMany:
            reason, cursor, retry, code = "slow", talk.last_cursor, sse.RETRY_MS, GOING_AWAY
        if reason != "gone":
            await socket.send(to_text(wire.Closing(reason, cursor, retry)))
            await socket.close(code, reason)


async def _send_next(socket: WebSocket, talk: commands.WebSocketSession, seat: Subscriber) -> None:
    told = await seat.read(HEARTBEAT_SECONDS)
    if told.reset is not None:
        await socket.send(to_text(wire.Reset(told.reset, seat.cursor)))
    elif not told.frames:
        await socket.send(to_text(wire.Beat(seat.cursor)))
    for cursor, shown in told.frames:
        if not cursor:
            await socket.send(shown.decode())
            continue
        await _wait_for_window(talk, seat)
        await socket.send(f'{{"type":"event","cursor":"{cursor}","event":{shown.decode()}}}')
        talk.record_sent(cursor)


async def _wait_for_window(talk: commands.WebSocketSession, seat: Subscriber) -> None:
    """Wait until one more event may be on its way. Raises TooMany when nothing is acknowledged."""
    for _ in range(int(ACK_SECONDS / _ACK_POLL_SECONDS)):
        if talk.has_window() or seat.is_closed:
            return
        await talk.wait_for_ack(_ACK_POLL_SECONDS)
    raise TooMany(1)
