"""`/v1/socket`: the events of `/v1/events` over a WebSocket, and commands of the client.

Two tasks per connection: one sends events, the other receives commands and sends their replies.
"""

import asyncio
import contextlib

import msgspec

from koine.dialects.native import auth, errors
from koine.dialects.native.realtime import commands, encoder, frames
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
"""How long a client may leave a full window unacknowledged before the socket is closed."""
COMMANDS_PER_MINUTE = 600
MAX_REFUSED_COMMANDS = 100
"""How many commands beyond the limit get an error before the socket is closed."""
CLOSE_CODES: dict[CloseReason, int] = {
    "revoked": POLICY_VIOLATION,
    "expired": POLICY_VIOLATION,
    "draining": SERVICE_RESTART,
}
REFUSAL_CODES: dict[type[Refusal], int] = {Unavailable: SERVICE_RESTART, TooMany: TRY_AGAIN_LATER}
"""Close codes of refusals after which connecting again can succeed; all others get 1008."""
_ACK_POLL_SECONDS = 1.0
_encode = msgspec.json.encode


async def serve(socket: WebSocket, requests: RateLimiter, command_limits: RateLimiter) -> None:
    """One connection, from its handshake to its end. `requests` counts requests by caller,
    `command_limits` the commands of each socket."""
    await socket.accept()
    try:
        connection, hello = await _authenticate(socket, requests, command_limits)
    except Refusal as refusal:
        await socket.send(to_text(commands.error_reply(None, refusal)))
        code = next(
            (code for kind, code in REFUSAL_CODES.items() if isinstance(refusal, kind)),
            POLICY_VIOLATION,
        )
        await socket.close(code, errors.describe(refusal)[0])
        return
    subscriber = await socket.realtime.connect(connection.reader, hello.cursor)
    receiving = asyncio.create_task(_receive_loop(socket, connection, subscriber))
    try:
        await _send_loop(socket, connection, subscriber)
    finally:
        command_limits.reset(connection.limit.name)
        socket.realtime.disconnect(subscriber)
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiving


def to_text(frame: msgspec.Struct) -> str:
    """A frame as JSON text."""
    return _encode(frame).decode()


def frame(kind: str, data: bytes) -> bytes:
    """An event of the log stays as it is: `_send_next` puts it into a frame with its cursor. An
    ephemeral event has no cursor: it becomes a frame of its own, with its kind as `type`."""
    if kind in ("typing", "presence"):
        return b'{"type":"' + kind.encode() + b'",' + data[1:]
    return data


async def _authenticate(
    socket: WebSocket, requests: RateLimiter, command_limits: RateLimiter
) -> tuple[commands.WebSocketConnection, frames.Hello]:
    """The connection of the caller that the first frame names. Raises Refusal, Disconnected."""
    request = socket.request
    if socket.realtime.shutdown_signal.started:
        raise Unavailable()
    try:
        async with asyncio.timeout(request.engine.settings.socket_login_seconds):
            text = await socket.receive()
    except TimeoutError:
        metrics.CONNECTIONS_ENDED.labels("login_time").inc()
        raise Unauthenticated("missing") from None
    hello = commands.parse_frame(text, frames.Hello)
    credential = commands.SocketCredential(request.engine, hello.token, hello.tenant_id)
    try:
        actor = await credential.authenticate()
    except Unauthenticated:
        limit_unauthenticated(request, requests)
        raise
    auth.limit_actor(request, requests, actor)
    request.take_credential_slot(actor)
    event_filter = await resolve_filter(request.engine, actor, hello.kinds, hello.conversations)
    event_encoder = encoder.NativeEventEncoder(request.base_url, frame, request.engine.encryption)
    reader = encoder.NativeReader(actor, credential.authenticate, event_filter, event_encoder)
    limit = commands.CommandLimit(command_limits, request.request_id, COMMANDS_PER_MINUTE)
    connection = commands.WebSocketConnection(
        socket.realtime, credential, reader, limit, hello.window
    )
    return connection, hello


async def _receive_loop(
    socket: WebSocket, connection: commands.WebSocketConnection, subscriber: Subscriber
) -> None:
    """Handle commands until the client disconnects or exceeds its limits."""
    try:
        while connection.limit.refused < MAX_REFUSED_COMMANDS:
            text = await socket.receive()
            await socket.send(to_text(await connection.handle(text)))
        await socket.close(POLICY_VIOLATION, "too-many-requests")
    except TooLarge:
        await socket.close(MESSAGE_TOO_BIG, "too-large")
    except Disconnected:
        pass
    finally:
        subscriber.leave()


async def _send_loop(
    socket: WebSocket, connection: commands.WebSocketConnection, subscriber: Subscriber
) -> None:
    shutdown_signal = socket.realtime.shutdown_signal
    with contextlib.suppress(Disconnected):
        await socket.send(to_text(frames.Ready(subscriber.cursor)))
        try:
            while True:
                await _send_next(socket, connection, subscriber)
        except Closed as closed:
            retry = (
                shutdown_signal.retry_after_ms() if closed.reason == "draining" else sse.RETRY_MS
            )
            cursor = closed.cursor
            reason: str = closed.reason
            code = CLOSE_CODES.get(closed.reason, GOING_AWAY)
        except Unavailable:
            reason, cursor = "unavailable", subscriber.cursor
            retry, code = sse.RETRY_MS, SERVICE_RESTART
        except TooMany:
            reason, cursor, retry, code = "slow", connection.last_cursor, sse.RETRY_MS, GOING_AWAY
        if reason != "gone":
            await socket.send(to_text(frames.Closing(reason, cursor, retry)))
            await socket.close(code, reason)


async def _send_next(
    socket: WebSocket, connection: commands.WebSocketConnection, subscriber: Subscriber
) -> None:
    batch = await subscriber.read(HEARTBEAT_SECONDS)
    if batch.reset is not None:
        await socket.send(to_text(frames.Reset(batch.reset, subscriber.cursor)))
    elif not batch.frames:
        await socket.send(to_text(frames.Heartbeat(subscriber.cursor)))
    for cursor, event in batch.frames:
        if not cursor:
            await socket.send(event.decode())
            continue
        await _wait_for_window(connection, subscriber)
        await socket.send(f'{{"type":"event","cursor":"{cursor}","event":{event.decode()}}}')
        connection.record_sent(cursor)


async def _wait_for_window(
    connection: commands.WebSocketConnection, subscriber: Subscriber
) -> None:
    """Wait until the client has acknowledged enough events for one more to be sent. Raises TooMany
    after ACK_SECONDS."""
    for _ in range(int(ACK_SECONDS / _ACK_POLL_SECONDS)):
        if connection.has_window() or subscriber.is_closed:
            return
        await connection.wait_for_ack(_ACK_POLL_SECONDS)
    raise TooMany(1)
