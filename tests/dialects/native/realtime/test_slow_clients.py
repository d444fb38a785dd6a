"""A client that does not read is disconnected without cost to others, and loses nothing."""

import socket

import httpx

from koine.dialects.native import NativeDialect
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.native.api_client import open_conversation, send_message
from tests.dialects.native.sse_client import SseClient, follow_stream
from tests.realtime.bus.recorder import eventually
from tests.support.live_server import Live, live

PADDING = "x" * 30_000
MOST = 300
"""Messages by which the client must have been disconnected."""


def connect_without_reading(server: Live, token: str) -> socket.socket:
    """A client that requests the stream and never reads it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection.connect((host, int(port)))
    request = (
        f"GET /v1/events?kinds=message HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    connection.sendall(request.encode())
    return connection


async def test_a_client_that_does_not_read_is_disconnected_and_continues_later(
    db: Database,
) -> None:
    cast = await make_cast(db)
    async with (
        live(cast.engine, NativeDialect()) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        conversation_id = await open_conversation(client, cast, "dan")
        query = "?kinds=message"
        start = await server.realtime.cursor()
        with connect_without_reading(server, cast.token("dan")):
            async with follow_stream(server.url, cast.bearer("dan"), query=query) as quick:
                await quick.until("ready")
                await eventually(lambda: server.realtime.hub.count == 2)
                # It reads after each message, so that no machine is too slow for it.
                received: list[int] = []
                while server.realtime.hub.count == 2:
                    assert len(received) < MOST
                    await send_message(client, cast, conversation_id, f"{len(received)} {PADDING}")
                    received += await next_seqs(quick, 1)
        count = len(received)
        async with follow_stream(server.url, cast.bearer("dan"), start, query) as back:
            assert await next_seqs(back, count) == received == list(range(1, count + 1))


async def next_seqs(stream: SseClient, count: int) -> list[int]:
    """The `seq` of the next messages."""
    return [(await stream.until("message.created"))[-1].data["seq"] for _ in range(count)]
