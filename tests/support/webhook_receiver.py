"""An HTTP server that keeps the requests of webhooks, and responds as a test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReceivedRequest:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]


Response = bytes | None
"""The bytes of a response; None for no response."""


def response(status: int, *headers: str, body: str = "") -> bytes:
    """The bytes of a response."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


OK = response(200)


@dataclass
class Receiver:
    """`respond` makes the response to each request, by default a 200. While `hold` is set to an
    event, responses wait for it."""

    port: int = 0
    requests: list[ReceivedRequest] = field(default_factory=list)
    respond: Callable[[ReceivedRequest], Response] = lambda _: OK
    count: int = 0
    keeps_requests: bool = True
    hold: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = {k.lower(): v for k, _, v in (li.partition(": ") for li in lines if li)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = ReceivedRequest(first.split()[1], headers, body)
                self.count += 1
                if self.keeps_requests:
                    self.requests.append(request)
                if (hold := self.hold) is not None:
                    await hold.wait()
                if (content := self.respond(request)) is None:
                    await asyncio.sleep(3600)
                    return
                writer.write(content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """A receiver that listens while the context is open."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
