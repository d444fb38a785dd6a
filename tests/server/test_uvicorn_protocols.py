"""What one connection may send: heads, bodies, framing; and when it is ended."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.raw_client import GET, HEAD, RawServer, ended_connections, raw_server

POST = b"POST /tiny/things/a HTTP/1.1\r\n" + HEAD
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = 1 << 20


pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[RawServer]:
    async with raw_server() as server:
        yield server


@pytest.fixture(scope="module")
async def impatient() -> AsyncIterator[RawServer]:
    seconds = {"head_seconds": 0.25, "idle_seconds": 0.25, "body_seconds": 0.25}
    async with raw_server(seconds, body_rate=1000) as server:
        yield server


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        pytest.param(431, [b"GET / HTTP/1.1\r\nX: ", *[b"x" * MUCH] * 96], id="one-field"),
        pytest.param(431, [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n" * 9999] * 99], id="fields"),
        pytest.param(431, [b"GET /tiny/where HTTP/1.1\r\n" + HEAD, b"a:b\r\n" * 99, b"\r\n"],
                     id="a-hundred-and-one"),
        pytest.param(431, [b"GET /", *[b"x" * MUCH] * 20], id="target"),
        pytest.param(414, [b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"],
                     id="long-target"),
        pytest.param(431, [b"\r\n" * MUCH] * 20, id="blank-lines"),
        pytest.param(400, [b"x" * MUCH] * 20, id="method"),
        pytest.param(400, [CHUNKED, b"5;", *[b"x" * MUCH] * 20], id="chunk-extension"),
        pytest.param(400, [CHUNKED, *[b"1;xxxxxxx\r\n{\r\n"] * 99_999], id="tiny-chunks"),
        pytest.param(400, [CHUNKED, b"2\r\n{}\r\n0\r\n", *[b"a: b\r\n" * 9999] * 300],
                     id="trailers"),
    ],
)  # fmt: skip
async def test_endless_input_is_refused_and_the_connection_closed(
    server: RawServer, status: int, parts: list[bytes]
) -> None:
    async with asyncio.timeout(20):
        assert (await server.request(*parts))[0] == status


@pytest.mark.parametrize(
    "fields",
    [b"", b"Host: a\r\nHost: a\r\n", b"Host: a b\r\n", b"Host: a/b\r\n", b"Host: me@a\r\n",
     b"Host:\r\n", b"Host: a, b\r\n", b"Host: a:x\r\n", b"Host: \xff\r\n"],
)  # fmt: skip
@pytest.mark.parametrize("more", [b"", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
async def test_without_one_valid_host_it_is_400_and_the_connection_closed(
    server: RawServer, fields: bytes, more: bytes
) -> None:
    request = b"GET /tiny/where HTTP/1.1\r\n" + fields + more + b"\r\n"
    status, head = await server.request(request)
    assert status == 400 and b"\r\nconnection: close\r\n" in head


@pytest.mark.parametrize(
    "request_", [GET, b"GET /tiny/where HTTP/1.0\r\n\r\n", GET.replace(b"tiny.test", b"[::1]:80"),
                 b"\r\n\r\n" + GET, GET.replace(b"Host", b"X: " + b"x" * 60_000 + b"\r\nHost")],
)  # fmt: skip
async def test_valid_requests_are_served(server: RawServer, request_: bytes) -> None:
    async with server.connect() as one:
        await one.send(request_)
        assert (await one.response())[0] == 200


async def test_trailers_are_read_and_ignored(server: RawServer) -> None:
    async with server.connect() as one:
        await one.send(CHUNKED + b'e\r\n{"name": "Al"}\r\n0\r\nHost: other\r\n\r\n' + GET)
        assert [(await one.response())[0] for _ in range(2)] == [201, 200]


async def test_pipelined_requests_are_limited(server: RawServer) -> None:
    async with server.connect() as one:
        await one.send(GET * 500)
        received = await one.read_to_end()
    assert 100 < received.count(b"HTTP/1.1 200") < 200
    assert received.count(b"connection: close") == 1


@pytest.mark.parametrize(
    ("reason", "start", "drip"),
    [("silent", b"", b""), ("head_time", b"GET / HT", b""), ("head_time", GET[:-2], b"a: b\r\n"),
     ("head_time", b"", b"\r\n"), ("idle", GET, b""), ("body_time", CHUNKED, b"1\r\n \r\n"),
     ("body_time", POST + b"Content-Length: 60000\r\n\r\n", b" "),
     ("head_time", GET + GET[:9], b""),
     ("body_time", b"POST /tiny/forms HTTP/1.1\r\n" + HEAD + b"Content-Length: 9999\r\n"
      b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n", b"a")],
)  # fmt: skip
async def test_a_stalled_connection_is_closed(
    impatient: RawServer, reason: str, start: bytes, drip: bytes
) -> None:
    before = ended_connections(reason)
    async with impatient.connect() as one:
        await one.send(start)
        dripping = asyncio.create_task(_drip(one.send, drip))
        received = await one.read_to_end()
        dripping.cancel()
    assert ended_connections(reason) == before + 1
    assert (b"HTTP/1.1 408" in received) == reason.endswith("_time")


async def _drip(say, drop: bytes) -> None:  # type: ignore[no-untyped-def]  # a bound method
    while drop:
        await say(drop)
        await asyncio.sleep(0.05)


async def test_a_slow_body_above_the_lowest_rate_is_read() -> None:
    body = b'{"name": "Al"}' + b" " * 12_000
    rate = raw_server(
        {"body_seconds": 0.5}, body_rate=1000
    )  # a tenth of what comes, in two windows
    async with rate as server, server.connect() as one:
        await one.send(POST + b"Content-Length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 1000):
            await one.send(body[at : at + 1000])
            await asyncio.sleep(0.1)
        assert (await one.response())[0] == 201


async def test_a_body_has_a_longest_time() -> None:
    seconds = {"body_seconds": 0.25, "body_max_seconds": 0.5}
    async with raw_server(seconds, body_rate=1) as server:
        before = ended_connections("body_time")
        async with server.connect() as one:
            await one.send(POST + b"Content-Length: 60000\r\n\r\n")
            dripping = asyncio.create_task(_drip(one.send, b" " * 100))
            assert b" 408 " in await one.read_to_end()
            dripping.cancel()
        assert ended_connections("body_time") == before + 1
