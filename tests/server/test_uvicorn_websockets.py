"""WebSockets of both dialects that send too much, or too little."""

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator

import pytest
from msgspec import structs
from websockets.asyncio.client import connect

from koine.dialects.inbox.realtime import heartbeat
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server
from tests.support.raw_client import RawClient, ended_connections

PATHS = ("/v1/socket", "/cable")
TEXT, PING, CONT = 1, 9, 0
FIN = 128


LOGIN_SECONDS = 0.25
pytestmark = pytest.mark.usefixtures("short_waits")


# One server for many tests, and on SQLite alone: these limits come before what asks a database.


@pytest.fixture(scope="module")
async def inbox_server(sqlite_db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(sqlite_db, socket_frames_per_minute=1000)) as running:
        yield running


@pytest.fixture(scope="module")
async def impatient(sqlite_db: Database) -> AsyncIterator[LiveServer]:
    cast = await make_cast(sqlite_db)
    cast.engine.settings = structs.replace(
        cast.engine.settings, head_seconds=0.25, socket_login_seconds=LOGIN_SECONDS
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heartbeat, "INTERVAL_SECONDS", 0.1)
        async with live_server(cast) as running:
            yield running


def frame(first: int, data: bytes = b"") -> bytes:
    """A frame of a client with a zero mask; `first` is its first byte."""
    size = len(data)
    length = bytes([128 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([first]) + length + bytes(4) + data


async def opened(inbox_server: LiveServer, path: str, *more: bytes) -> RawClient:
    """A socket without a client library, which would respond to pings and closing frames."""
    port = int(inbox_server.server.url.rpartition(":")[2])
    one = RawClient(*await asyncio.open_connection("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16))
    await one.send(
        b"GET " + path.encode() + b" HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n",
        *more, b"\r\n",
    )  # fmt: skip
    return one


async def welcomed(inbox_server: LiveServer, path: str) -> RawClient:
    """A socket whose handshake was accepted."""
    one = await opened(inbox_server, path)
    assert (await one.response())[0] == 101
    return one


def code(received: bytes) -> int:
    """The code of the close frame at the end of these bytes."""
    at = received.rindex(b"\x88")
    return int.from_bytes(received[at + 2 : at + 4], "big")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "flood",
    [frame(FIN | PING) * 500, frame(CONT) * 500, frame(CONT, b"x") * 500, frame(FIN | 10) * 500,
     (frame(FIN | PING, b"x" * 125) + frame(CONT)) * 200],
    ids=["pings", "nothing", "crumbs", "pongs", "both"],
)  # fmt: skip
async def test_a_flood_of_frames_is_closed_with_1008(
    inbox_server: LiveServer, path: str, flood: bytes
) -> None:
    before = ended_connections("frames")
    one = await welcomed(inbox_server, path)
    flooding = asyncio.create_task(one.send(frame(TEXT), *[flood] * 2000))
    received = await one.read_to_end()
    assert code(received) == 1008 and ended_connections("frames") == before + 1
    await flooding


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_that_floods_and_never_reads_is_disconnected(
    inbox_server: LiveServer, path: str
) -> None:
    before = ended_connections("frames")
    one = await welcomed(inbox_server, path)
    one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a whole transport
    async with asyncio.timeout(20):
        await one.send(*[frame(FIN | PING, b"x" * 125) * 500] * 2000)
    one.writer.transport.abort()
    assert ended_connections("frames") == before + 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("start", "drop"),
    [(frame(TEXT, b"{"), b""), (frame(TEXT, b"{"), frame(CONT, b" ")),
     (frame(FIN | TEXT, b"{" * 100)[:9], b" ")],
    ids=["fragment", "fragments", "bytes"],
)  # fmt: skip
async def test_a_message_that_does_not_end_is_closed(
    impatient: LiveServer, path: str, start: bytes, drop: bytes
) -> None:
    before = ended_connections("message_time")
    one = await welcomed(impatient, path)
    await one.send(start)

    async def drip() -> None:
        for _ in range(500):
            await one.send(drop)
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    assert code(await one.read_to_end()) == 1008
    dripping.cancel()
    assert ended_connections("message_time") == before + 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_socket_without_a_subscription_is_closed(impatient: LiveServer, path: str) -> None:
    before = ended_connections("login_time")
    async with connect(f"{impatient.server.ws}{path}") as socket:
        await socket.wait_closed()
        assert socket.close_code == 1008
    assert ended_connections("login_time") == before + 1


async def test_a_socket_without_a_subscription_any_more_is_closed(impatient: LiveServer) -> None:
    async with impatient.connect(impatient.carol) as client:
        await asyncio.sleep(2 * LOGIN_SECONDS)
        # With a subscription it may stay for as long as it likes.
        await client.subscribe(identifier(impatient.dave))
        for place in (impatient.carol, impatient.dave):
            await client.send("unsubscribe", identifier(place))
        last = (await client.until_closed())[-1]
    assert last == {"type": "disconnect", "reason": "unauthorized", "reconnect": False}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("status", "more"),
    [(431, [b"X: " + b"x" * 9000 + b"\r\n"]), (431, [b"X: " + b"x" * 90_000 + b"\r\n"]),
     (431, [b"a: b\r\n"] * 100), (400, [b"Host: b\r\n"]), (400, [b"Content-Length: 5\r\n"])],
    ids=["line", "head", "fields", "hosts", "body"],
)  # fmt: skip
async def test_a_handshake_is_a_head_like_others(
    inbox_server: LiveServer, path: str, status: int, more: list[bytes]
) -> None:
    one = await opened(inbox_server, path, *more)
    assert (await one.read_to_end()).startswith(b"HTTP/1.1 %d " % status)
