"""A body that nobody waits for: little of it is read, and the connection ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.raw_client import GET, HEAD, RawServer, ended_connections, raw_server

ORIGIN = b"Host: tiny.test\r\nOrigin: http://a.test\r\nAccess-Control-Request-Method: GET\r\n"
STARTS = {
    200: b"GET /tiny/where HTTP/1.1\r\n" + HEAD,
    204: b"OPTIONS /tiny/open/thing HTTP/1.1\r\n" + ORIGIN,
    401: b"POST /tiny/things/a HTTP/1.1\r\nHost: tiny.test\r\n",
    404: b"POST /tiny/nowhere HTTP/1.1\r\n" + HEAD,
    405: b"POST /tiny/things HTTP/1.1\r\n" + HEAD,
    413: b"POST /tiny/things/a HTTP/1.1\r\n" + HEAD,
}
FRAMES = {
    "chunked": (b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
    "sized": (b"Content-Length: 99999999999\r\n\r\n", b"x" * 65536),
}
SYSTEM_BYTES = 32 << 20
"""More than the buffers of both ends of a connection hold."""


pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as server:
        yield server


async def endless(server: RawServer, start: bytes, piece: bytes) -> tuple[int, int]:
    """The status of the answer, and how many bytes the connection took before it ended."""
    async with server.connect() as one, asyncio.timeout(20):
        await one.send(start)
        taken = 0
        response = asyncio.create_task(one.response())
        try:
            while taken < SYSTEM_BYTES:
                one.writer.write(piece)
                taken += len(piece)
                await one.writer.drain()
        except (OSError, RuntimeError):
            pass
        return (await response)[0], taken


@pytest.mark.parametrize("framing", FRAMES)
@pytest.mark.parametrize("status", STARTS)
async def test_after_the_response_the_body_is_not_read_further(
    server: RawServer, status: int, framing: str
) -> None:
    start, piece = FRAMES[framing]
    response, taken = await endless(server, STARTS[status] + start, piece)
    assert response == status and taken < SYSTEM_BYTES


async def test_nor_while_the_response_is_a_stream(server: RawServer) -> None:
    start, piece = FRAMES["chunked"]
    response, taken = await endless(server, b"GET /tiny/beats HTTP/1.1\r\n" + HEAD + start, piece)
    assert response == 200 and taken < SYSTEM_BYTES


@pytest.mark.parametrize("status", [200, 204, 401, 404, 405])
async def test_after_the_response_an_unfinished_body_is_not_waited_for(
    server: RawServer, status: int
) -> None:
    before = ended_connections("unread")
    async with server.connect() as one:
        await one.send(STARTS[status] + b"Content-Length: 60000\r\n\r\nx")
        assert b"HTTP/1.1 %d" % status in await one.read_to_end()
    assert ended_connections("unread") == before + 1


async def test_a_small_unread_body_keeps_the_connection_open(server: RawServer) -> None:
    async with server.connect() as one:
        await one.send(STARTS[404] + b"Content-Length: 60000\r\n\r\n")
        assert (await one.response())[0] == 404
        await one.send(b"x" * 60_000 + GET)
        assert (await one.response())[0] == 200


async def test_a_client_that_expects_100_continue_gets_a_final_response(server: RawServer) -> None:
    async with server.connect() as one:
        await one.send(STARTS[401] + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        status, head = await one.response()
        assert status == 401 and b"\r\nconnection: close\r\n" in head
        await one.read_to_end()
