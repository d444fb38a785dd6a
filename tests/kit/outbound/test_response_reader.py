"""Responses are read up to the limits; an invalid one is a failure."""

import asyncio
import time

import pytest

from koine.kit.outbound import Request, RequestFailed, Response
from tests.kit.outbound.receiver import OK, Script, client, running_receiver


async def reply_to(response: bytes, max_answer: int = 1000) -> Response:
    """The reply to a request, of a server that sends these bytes and closes the connection."""

    async def once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        await writer.drain()

    return await scripted(once, max_answer=max_answer)


async def scripted(script: Script, timeout_s: float = 5, max_answer: int = 1000) -> Response:
    """The reply to a request, of a server with this handler."""
    async with (
        running_receiver(script=script) as receiver,
        client(timeout_s=timeout_s, max_answer=max_answer) as outbound,
    ):
        return await outbound.send(Request("POST", receiver.url, {}, b"x"))


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


async def test_status_headers_body_and_time() -> None:
    reply = await reply_to(head("X-A: 1", "x-a: 2", "Content-Length: 3", status="418 Tea") + b"abc")
    assert (reply.status, reply.body, reply.truncated) == (418, b"abc", False)
    assert reply.headers["x-a"] == "1, 2"
    assert 0 < reply.duration_us < 5_000_000


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("where", ["http://127.0.0.1:{}/b", "http://169.254.169.254/", "/b"])
async def test_a_redirect_is_not_followed(status: str, where: str) -> None:
    response = head(f"Location: {where}", "Content-Length: 0", status=status)
    async with running_receiver(response) as receiver, client() as outbound:
        reply = await outbound.send(Request("POST", receiver.url, {}, b"x"))
        assert (reply.status, reply.headers["location"]) == (int(status[:3]), where)
        assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("response", "body"),
    [
        (
            head("Transfer-Encoding: chunked") + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: 1\r\n\r\n",
            b"abc",
        ),
        (head() + b"until the end", b"until the end"),
        (head(status="204 No Content"), b""),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (head(status="103 Hints") + head("Content-Length: 1") + b"x", b"x"),
        (head("Content-Encoding: gzip", "Content-Length: 2") + b"\x1f\x8b", b"\x1f\x8b"),
    ],
)
async def test_forms_of_a_body(response: bytes, body: bytes) -> None:
    assert (await reply_to(response)).body == body


@pytest.mark.parametrize(
    "response",
    [
        head("Content-Length: 100000") + b"a" * 100_000,
        head("Content-Length: 99999999999") + b"a" * 2000,
        head("Transfer-Encoding: chunked") + b"186a0\r\n" + b"a" * 100_000 + b"\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n",
        head() + b"a" * 100_000,
    ],
    ids=["long", "longer", "one chunk", "many chunks", "until the end"],
)
async def test_a_long_body_is_truncated(response: bytes) -> None:
    reply = await reply_to(response)
    assert (reply.body, reply.truncated) == (b"a" * 1000, True)


async def test_a_body_as_long_as_the_limit_is_whole() -> None:
    reply = await reply_to(head("Content-Length: 1000") + b"a" * 1000)
    assert (len(reply.body), reply.truncated) == (1000, False)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        head("Content-Length: 5") + b"abc",
        head("Content-Length: -1"),
        head("Content-Length: 1", "Content-Length: 2") + b"ab",
        head("Content-Length: 1", "Transfer-Encoding: chunked") + b"a",
        head("Transfer-Encoding: chunked") + b"5\r\nab",
        head("Transfer-Encoding: chunked") + b"zz\r\nab\r\n",
        head("Transfer-Encoding: gzip") + b"ab",
        head("X\x00: y"),
        head("Bad header: y"),
        b"HTTP/1.1 200 OK\r\nX: y",
        head("Upgrade: h2c", "Connection: Upgrade", status="101 Switching Protocols") + b"xx",
    ],
)
async def test_an_invalid_response_is_a_failure(response: bytes) -> None:
    with pytest.raises(RequestFailed):
        await reply_to(response)


BOMBS = {
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    "a long name": b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "a long reason": b"HTTP/1.1 200 " + b"a" * 200_000,
    "trailers": head("Transfer-Encoding: chunked") + b"0\r\n" + b"X: y\r\n" * 20_000,
    "extensions": head("Transfer-Encoding: chunked") + b"1;" + b"x=y;" * 50_000,
    "interim answers": head(status="103 Hints") * 20_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_decompression_bomb_is_not_read_to_its_end(bomb: str) -> None:
    with pytest.raises(RequestFailed, match=r"too many headers|no HTTP"):
        await reply_to(BOMBS[bomb])


async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def trickling(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in head("Content-Length: 1000") + b"a" * 900:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.01)


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(head("Content-Length: 1000"))
    for _n in range(1000):
        writer.write(b"a")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("script", [silent, trickling, dripping])
async def test_a_slow_answer_ends_with_the_time(script: Script) -> None:
    began = time.monotonic()
    with pytest.raises(RequestFailed, match=r"within 0\.2 seconds"):
        await scripted(script, timeout_s=0.2)
    assert time.monotonic() - began < 2


async def test_a_receiver_that_does_not_read_ends_with_the_time() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    port = server.sockets[0].getsockname()[1]
    async with client(timeout_s=0.2) as outbound:
        with pytest.raises(RequestFailed, match="within"):
            await outbound.send(Request("POST", f"http://127.0.0.1:{port}/", {}, b"x" * 20_000_000))
    server.close()


async def test_an_answer_before_the_request_was_read_counts() -> None:
    async with client() as outbound:

        async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(OK)
            await asyncio.sleep(0.2)
            writer.close()

        server = await asyncio.start_server(hasty, "127.0.0.1", 0, limit=1024)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        reply = await outbound.send(Request("POST", url, {}, b"x" * 5_000_000))
        assert reply.body == b"ok"
        server.close()
