"""A reader who does not read costs the others nothing, and misses nothing when it comes back."""

import socket

import httpx

from koine.dialects.native import NativeDialect
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.native.realtime.test_encoder import open_conversation, send_message
from tests.dialects.native.sse_client import SseClient, follow_stream
from tests.support.live_server import Live, live

PADDING = "x" * 30_000
COUNT = 300


def connect_without_reading(server: Live, token: str) -> socket.socket:
    """A client that asks for the stream and never reads it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    host, _, port = server.url.removeprefix("http://").partition(":")
    made.connect((host, int(port)))
    asked = (
        f"GET /v1/events?kinds=message HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    made.sendall(asked.encode())
    return made


async def test_who_does_not_read_is_let_go_and_comes_back(db: Database) -> None:
    cast = await make_cast(db)
    async with (
        live(cast.engine, NativeDialect()) as server,
        httpx.AsyncClient(base_url=server.url) as one,
    ):
        talk = await open_conversation(one, cast, "dan")
        query = "?kinds=message"
        start = await server.relay.cursor()
        with connect_without_reading(server, cast.token("dan")):
            async with follow_stream(server.url, cast.bearer("dan"), query=query) as quick:
                await quick.until("ready")
                # Read after each, so that on no machine the quick one is slow, too.
                heard = []
                for n in range(COUNT):
                    await send_message(one, cast, talk, f"{n} {PADDING}")
                    heard += await next_seqs(quick, 1)
                assert server.relay.hub.count == 1
        async with follow_stream(server.url, cast.bearer("dan"), start, query) as back:
            assert await next_seqs(back, COUNT) == heard == list(range(1, COUNT + 1))


async def next_seqs(stream: SseClient, count: int) -> list[int]:
    """The numbers of the next messages."""
    return [(await stream.until("message.created"))[-1].data["seq"] for _ in range(count)]
