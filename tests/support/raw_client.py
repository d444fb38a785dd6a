"""A real server of a small dialect, and callers who say byte by byte what they like."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import uvicorn
from msgspec import structs

from koine.kit import metrics
from koine.kit.settings import load
from koine.server.connections import Connections
from koine.server.listener import uvicorn_config
from tests.http.example_dialect import app

HEAD = b"Host: tiny.test\r\nAuthorization: Bearer me\r\n"
GET = b"GET /tiny/where HTTP/1.1\r\n" + HEAD + b"\r\n"
TIMEOUT_SECONDS = 20.0
_OVER = (OSError, RuntimeError)
"""What a write to a connection that is over raises; uvloop says RuntimeError."""


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send, for as long as the other end takes it."""
        try:
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
        except _OVER:
            pass

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status, and its head in lower case; its body is read, too."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await self.reader.readexactly(int(length or 0))
        return int(head.split(b" ", 2)[1]), head

    async def ended(self) -> bytes:
        """Wait until the server has ended the connection; answers what it said before. Raises
        TimeoutError."""
        said = b""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # Not around the timeout: a TimeoutError is an OSError, too.
                with suppress(*_OVER):
                    while part := await self.reader.read(65536):
                        said += part
                    while True:  # the end of what it says; when it takes no more, it is over
                        self.writer.write(b"x")
                        await self.writer.drain()
                        await asyncio.sleep(0.01)
            return said
        finally:
            self.writer.transport.abort()


class Served:
    """Where the server is, and the connections it knows of."""

    def __init__(self, port: int, connections: Connections) -> None:
        self.port = port
        self.connections = connections

    @asynccontextmanager
    async def stranger(self, address: str = "127.0.0.1") -> AsyncIterator[RawClient]:
        """A caller from an address of this machine."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(address, 0)
        )
        try:
            yield RawClient(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(self, *parts: bytes) -> tuple[int, bytes]:
        """The answer to these bytes, on a connection of their own that the server then ends."""
        async with self.stranger() as one:
            saying = asyncio.create_task(one.send(*parts))
            answer = await one.answer()
            await one.ended()
            await saying
            return answer


@asynccontextmanager
async def served(
    seconds: Mapping[str, float] | None = None, **settings: object
) -> AsyncIterator[Served]:
    """A server with these settings while the context is open. `seconds` are the settings of its
    connections that are shorter than the whole seconds of an operator."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = {"json_limit": 65536, **settings}
    set_up = structs.replace(load({}, limits), **(seconds or {}))
    config = uvicorn_config(set_up, app(**limits), lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Served(listener.getsockname()[1], config.connections)
    finally:
        server.should_exit = True
        await task


def ended(reason: str) -> float:
    """How many connections this process has ended for that reason."""
    return (
        metrics.REGISTRY.get_sample_value("koine_connections_ended_total", {"reason": reason})
        or 0.0
    )
