"""`/v1/socket`: the events of `/v1/events` over a WebSocket, and commands the other way."""

import asyncio
import contextlib

import msgspec

from koine.dialects.native import auth, commands, errors, stream
from koine.dialects.native import wire_socket as wire
from koine.http import sse
from koine.http.limits import RateLimiter, count_address
from koine.http.socket import COME_BACK, GOING, LATER, POLICY, TOO_BIG, Gone, Socket
from koine.kit import metrics
from koine.model.errors import Refusal, TooLarge, TooMany, Unauthenticated, Unavailable
from koine.relay.seat import Closed, Reason, Seat

BEAT_SECONDS = 25.0
ACK_SECONDS = 30.0
"""How long a reader with a window may leave all of it unacknowledged."""
COMMANDS_PER_MINUTE = 600
REFUSED_AT_MOST = 100
"""Commands beyond the limit that are answered before the socket is closed."""
CODES: dict[Reason, int] = {"revoked": POLICY, "expired": POLICY, "draining": COME_BACK}
REFUSED: dict[type[Refusal], int] = {Unavailable: COME_BACK, TooMany: LATER}
"""Codes of who is not let in, and may be later; all others are let in never."""
_LOOK = 1.0
_encode = msgspec.json.encode


async def serve(socket: Socket, calls: RateLimiter, said: RateLimiter) -> None:
    """One connection, from its handshake to its end; `calls` counts callers, `said` commands."""
    await socket.accept()
    try:
        talk, hello = await _admitted(socket, calls, said)
    except Refusal as refusal:
        await socket.send(text(commands.refused(None, refusal)))
        code = next((code for kind, code in REFUSED.items() if isinstance(refusal, kind)), POLICY)
        await socket.close(code, errors.said(refusal)[0])
        return
    seat = await socket.relay.seat(talk.voice, hello.cursor)
    hearing = asyncio.create_task(_hear(socket, talk, seat))
    try:
        await _tell(socket, talk, seat)
    finally:
        said.forget(talk.limit.name)
        socket.relay.leave(seat)
        hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hearing


def text(told: msgspec.Struct) -> str:
    """What the client is told, as text."""
    return _encode(told).decode()


def frame(kind: str, data: bytes) -> bytes:
    """An event, or a whisper, which comes as it is under its type."""
    if kind in ("typing", "presence"):
        return b'{"type":"' + kind.encode() + b'",' + data[1:]
    return data


async def _admitted(
    socket: Socket, calls: RateLimiter, said: RateLimiter
) -> tuple[commands.Talk, wire.Hello]:
    """Who calls, by the first frame. Raises Refusal, Gone."""
    call = socket.call
    if socket.relay.draining.begun:
        raise Unavailable()
    try:
        async with asyncio.timeout(call.engine.settings.hello_seconds):
            first = await socket.receive()
    except TimeoutError:
        metrics.CONNECTIONS_ENDED.labels("hello").inc()
        raise Unauthenticated("missing") from None
    hello = commands.read(first, wire.Hello)
    key = commands.Key(call.engine, hello.token, hello.tenant_id)
    try:
        actor = await key.holder()
    except Unauthenticated:
        count_address(call, calls)
        raise
    auth.count(call, calls, actor)
    call.hold_credential(actor)
    asked_for = await commands.asked_for(call.engine, actor, hello.kinds, hello.conversations)
    encoder = stream.NativeEventEncoder(call.base_url, frame)
    voice = stream.NativeVoice(actor, key.holder, asked_for, encoder)
    limit = commands.Limit(said, call.request_id, COMMANDS_PER_MINUTE)
    return commands.Talk(socket.relay, key, voice, limit, hello.window), hello


async def _hear(socket: Socket, talk: commands.Talk, seat: Seat) -> None:
    """Do what the client says until it is gone, or says too much."""
    try:
        while talk.limit.refused < REFUSED_AT_MOST:
            said = await socket.receive()
            await socket.send(text(await talk.answer(said)))
        await socket.close(POLICY, "too-many-requests")
    except TooLarge:
        await socket.close(TOO_BIG, "too-large")
    except Gone:
        pass
    finally:
        seat.leave()


async def _tell(socket: Socket, talk: commands.Talk, seat: Seat) -> None:
    draining = socket.relay.draining
    with contextlib.suppress(Gone):
        await socket.send(text(wire.Ready(seat.cursor)))
        try:
            while True:
                await _tell_next(socket, talk, seat)
        except Closed as closed:
            retry = draining.retry_after_ms() if closed.reason == "draining" else sse.RETRY_MS
            cursor = closed.cursor
            reason: str = closed.reason
            code = CODES.get(closed.reason, GOING)
        except Unavailable:
            reason, cursor, retry, code = "unavailable", seat.cursor, sse.RETRY_MS, COME_BACK
        except TooMany:
            reason, cursor, retry, code = "slow", talk.sent, sse.RETRY_MS, GOING
        if reason != "gone":
            await socket.send(text(wire.Closing(reason, cursor, retry)))
            await socket.close(code, reason)


async def _tell_next(socket: Socket, talk: commands.Talk, seat: Seat) -> None:
    told = await seat.read(BEAT_SECONDS)
    if told.reset is not None:
        await socket.send(text(wire.Reset(told.reset, seat.cursor)))
    elif not told.frames:
        await socket.send(text(wire.Beat(seat.cursor)))
    for cursor, shown in told.frames:
        if not cursor:
            await socket.send(shown.decode())
            continue
        await _room(talk, seat)
        await socket.send(f'{{"type":"event","cursor":"{cursor}","event":{shown.decode()}}}')
        talk.tell(cursor)


async def _room(talk: commands.Talk, seat: Seat) -> None:
    """Wait until one more event may be on its way. Raises TooMany when nothing is acknowledged."""
    for _ in range(int(ACK_SECONDS / _LOOK)):
        if talk.has_room() or seat.ended:
            return
        await talk.acknowledged(_LOOK)
    raise TooMany(1)
