"""A local server that sends exactly the bytes of a test, and counts connections."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from koine.kit.outbound import EgressPolicy, OutboundClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawReceiver:
    """The response to send; counts connections and keeps the bytes of each request."""

    response: bytes
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """The next request of a connection; EOFError when there is none."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        sizes = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        whole = head + await reader.readexactly(sum(sizes))
        self.requests.append(whole)
        return whole


@asynccontextmanager
async def running_receiver(
    response: bytes = OK, script: Script | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawReceiver]:
    """A receiver on every address of this machine, which sends `response` to each request; with
    `script`, that is called after the first request of a connection instead."""
    receiver = RawReceiver(response)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        # uvloop raises RuntimeError for a write to a connection that the client has closed.
        with suppress(EOFError, OSError, RuntimeError, asyncio.CancelledError):
            while True:
                await receiver.request(reader)
                if script is not None:
                    await script(reader, writer)
                    break
                writer.write(receiver.response)
        writer.close()

    server = await asyncio.start_server(serve, "0.0.0.0", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    ipv6_server = None
    with suppress(OSError):
        ipv6_server = await asyncio.start_server(serve, "::1", receiver.port, ssl=tls)
    try:
        yield receiver
    finally:
        server.close()
        if ipv6_server is not None:
            ipv6_server.close()


@asynccontextmanager
async def client(
    allow: str = "127.0.0.1", *, timeout_s: float = 10, max_answer: int = 1000
) -> AsyncIterator[OutboundClient]:
    """A client for a test, closed after it."""
    opened = OutboundClient(
        EgressPolicy.parse(allow), timeout_seconds=timeout_s, max_response_bytes=max_answer
    )
    try:
        yield opened
    finally:
        await opened.close()


class NameServer:
    """A resolver with fixed results: each lookup takes the next, and the last one repeats."""

    def __init__(self, *responses: tuple[str, ...]) -> None:
        self.left = list(responses)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]
