"""A server of the example dialect, and clients that send it any bytes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from msgspec import structs

from koine.kit import metrics
from koine.kit.settings import load
from koine.server.connections import Connections
from koine.server.listener import uvicorn_config
from tests.http.example_dialect import app
from tests.support.live_server import start_server, stop_server

HEAD = b"Host: tiny.test\r\nAuthorization: Bearer me\r\n"
GET = b"GET /tiny/where HTTP/1.1\r\n" + HEAD + b"\r\n"
TIMEOUT_SECONDS = 20.0
_CLOSED = (OSError, RuntimeError)
"""What writing to a closed connection raises; in uvloop it is a RuntimeError."""


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Send bytes, until the server closes the connection."""
        try:
            for part in parts:
                self.writer.write(part)
                await self.writer.drain()
        except _CLOSED:
            pass

    async def response(self) -> tuple[int, bytes]:
        """The status of the next response, and its head in lower case; its body is skipped."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await self.reader.readexactly(int(length or 0))
        return int(head.split(b" ", 2)[1]), head

    async def read_to_end(self) -> bytes:
        """Wait until the server has closed the connection; return the bytes it sent before. Raises
        TimeoutError."""
        received = b""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # Not around the timeout: a TimeoutError is an OSError, too.
                with suppress(*_CLOSED):
                    while part := await self.reader.read(65536):
                        received += part
                    while True:  # it sends no more; the connection is closed when a write fails
                        self.writer.write(b"x")
                        await self.writer.drain()
                        await asyncio.sleep(0.01)
            return received
        finally:
            self.writer.transport.abort()


class RawServer:
    """A running server: its port, and the connections it has counted."""

    def __init__(self, port: int, connections: Connections) -> None:
        self.port = port
        self.connections = connections

    @asynccontextmanager
    async def connect(self, address: str = "127.0.0.1") -> AsyncIterator[RawClient]:
        """A client that connects from this address, which must be a loopback address."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(address, 0)
        )
        try:
            yield RawClient(reader, writer)
        finally:
            writer.transport.abort()

    async def request(self, *parts: bytes) -> tuple[int, bytes]:
        """The response to these bytes, on a new connection that the server must then close."""
        async with self.connect() as client:
            sending = asyncio.create_task(client.send(*parts))
            response = await client.response()
            await client.read_to_end()
            await sending
            return response


@asynccontextmanager
async def raw_server(
    seconds: Mapping[str, float] | None = None, **settings: object
) -> AsyncIterator[RawServer]:
    """A server with these settings while the context is open. `seconds` are settings of its
    connections that may be fractions, shorter than the whole seconds of an operator."""
    listener = socket.create_server(("127.0.0.1", 0))
    limits = {"json_limit": 65536, **settings}
    loaded = structs.replace(load({}, limits), **(seconds or {}))
    config = uvicorn_config(loaded, app(**limits), lifespan="off")
    server = await start_server(config, listener)
    try:
        yield RawServer(listener.getsockname()[1], config.connections)
    finally:
        await stop_server(server)


def ended_connections(reason: str) -> float:
    """How many connections the servers of this process have closed for this reason."""
    return (
        metrics.REGISTRY.get_sample_value("koine_connections_ended_total", {"reason": reason})
        or 0.0
    )
