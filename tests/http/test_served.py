"""Behaviour that only a real server shows: bodies on the wire, closed connections."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from tests.http.example_dialect import app
from tests.support.live_server import start_server, stop_server

ALLOWED = b"Host: tiny.test\r\nAuthorization: Bearer me\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app(), log_config=None, server_header=False, http="httptools")
    server = await start_server(config, listening)
    yield listening.getsockname()[1]
    await stop_server(server)


async def send_bytes(port: int, *parts: bytes) -> bytes:
    """Send these bytes; return the head of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    return head.lower()


async def test_a_client_that_sends_too_much_still_reads_its_413(port: int) -> None:
    start = b"POST /tiny/things/a HTTP/1.1\r\n" + ALLOWED + b"Content-Length: 3000000\r\n\r\n"
    assert b" 413 " in await send_bytes(port, start, *[b"x" * 100_000] * 30)


async def test_a_client_that_expects_100_continue_gets_the_413_first(port: int) -> None:
    asks = b"Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n"
    head = await send_bytes(port, b"POST /tiny/things/a HTTP/1.1\r\n" + ALLOWED + asks)
    assert head.startswith(b"http/1.1 413 ")


async def test_endless_chunks_are_a_413(port: int) -> None:
    start = b"POST /tiny/things/a HTTP/1.1\r\n" + ALLOWED + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert b" 413 " in await send_bytes(port, start, *[chunk] * 50)


async def test_the_server_does_not_name_itself(port: int) -> None:
    head = await send_bytes(port, b"GET /tiny/things HTTP/1.1\r\n" + ALLOWED + b"\r\n")
    assert b"\r\nserver:" not in head


@pytest.mark.parametrize("path", [b"/tiny/\xff", b"/tiny/things?search=\xff", b"/tiny/\x00"])
async def test_raw_bytes_in_the_url_are_refused(port: int, path: bytes) -> None:
    head = await send_bytes(port, b"GET " + path + b" HTTP/1.1\r\n" + ALLOWED + b"\r\n")
    assert head.startswith(b"http/1.1 400 ")
