"""A receiver of webhooks on a port of its own: keeps what it is told, answers as it is bid."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReceivedRequest:
    """One post."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]


Answer = bytes | None
"""A whole answer; None hangs."""


def answer(status: int, *headers: str, body: str = "") -> bytes:
    """An answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers, "", body]
    return "\r\n".join(lines).encode()


OK = answer(200)


@dataclass
class Receiver:
    """`answers` says what each post gets, 200 for all unless it is set; `hold` when those that
    come while it is there are answered."""

    port: int = 0
    got: list[ReceivedRequest] = field(default_factory=list)
    answers: Callable[[ReceivedRequest], Answer] = lambda _: OK
    count: int = 0
    keeps: bool = True
    hold: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = {k.lower(): v for k, _, v in (li.partition(": ") for li in lines if li)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                post = ReceivedRequest(first.split()[1], headers, body)
                self.count += 1
                if self.keeps:
                    self.got.append(post)
                if (hold := self.hold) is not None:
                    await hold.wait()
                if (said := self.answers(post)) is None:
                    await asyncio.sleep(3600)
                    return
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver, for as long as the context is open."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
