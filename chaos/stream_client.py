"""A client of a stream that disconnects at any byte and resumes with its cursor."""

import asyncio
import contextlib
import re
import socket
import time
from collections import Counter

from msgspec import Struct

from chaos.http_client import HOST
from chaos.seeded_tenant import SeededTenant
from chaos.stream_parsers import Head, ReceivedEvent
from chaos.stream_protocols import StreamProtocol

OPEN_TIMEOUT_S = 60.0
_READ = 65536
_ID = re.compile(rb'"id":"(evt_[0-9a-f]{32})"')


class Disconnects(Struct, frozen=True):
    """When to disconnect: after so many bytes or seconds, whichever comes first."""

    bytes: float = float("inf")
    seconds: float = float("inf")


class StreamClient:
    """`counts_by_id` counts how often each event id was received; by the first word of a message,
    `ids_by_key` has the ids of its events, and `received_at` when the first of them came (monotonic
    seconds). `cursor` is the last one received. While `reading` is cleared, nothing is read."""

    def __init__(
        self, protocol: StreamProtocol, tenant: SeededTenant, cursor: str, receive_buffer: int = 0
    ) -> None:
        """`receive_buffer` is the size of the socket's receive buffer in bytes (0: the default)."""
        self.protocol = protocol
        self.cursor = cursor
        self.counts_by_id: Counter[bytes] = Counter()
        self.ids_by_key: dict[str, set[bytes]] = {}
        self.received_at: dict[str, float] = {}
        self.ready = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.resets = 0
        self.retry_ms = 0
        self.closing = ""
        self._tenant = tenant
        self._receive_buffer = receive_buffer

    async def follow(self, port: int, disconnects: Disconnects | None = None) -> None:
        """Follow one connection until we disconnect or it ends. Raises OSError when it cannot be
        opened or breaks, UnexpectedStatus, and TimeoutError when it is not opened in time."""
        disconnects = disconnects or Disconnects()
        self.ready.clear()
        self.closing, self.retry_ms = "", 0
        reader, writer = await self._open(port)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_finite(disconnects.seconds)):
                    await self._read(reader, writer, disconnects.bytes)
        finally:
            self.ready.clear()
            writer.transport.abort()

    async def _open(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket()
        connection.setblocking(False)
        if self._receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(connection, (HOST, port))
                return await asyncio.open_connection(
                    sock=connection, limit=self._receive_buffer or _READ
                )
        except BaseException:
            connection.close()
            raise

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_bytes: float
    ) -> None:
        head, parser, received = Head(self.protocol.status), self.protocol.parser(), 0
        writer.write(self.protocol.request_bytes(self._tenant, self.cursor))
        while received < max_bytes and (
            data := await self._read_some(reader, max_bytes - received)
        ):
            received += len(data)
            was_complete = head.is_complete
            data = head.feed(data)
            if head.is_complete and not was_complete:
                writer.write(self.protocol.login_bytes(self._tenant, self.cursor))
            for event in parser.feed(data):
                self._record(event)

    async def _read_some(self, reader: asyncio.StreamReader, max_bytes: float) -> bytes:
        await self.reading.wait()
        return await reader.read(min(_READ, int(min(max_bytes, _READ))))

    def _record(self, event: ReceivedEvent) -> None:
        """Record one complete frame. Its cursor says that everything before it was received."""
        if event.cursor:
            self.cursor = event.cursor
            self.ready.set()
        if event.kind == "reset":
            self.resets += 1
        if event.kind == "closing":
            retry_ms = re.search(rb'"retry_ms":([0-9]+)', event.data)
            self.retry_ms = int(retry_ms[1]) if retry_ms else 0
            reason = re.search(rb'"reason":"([a-z]+)"', event.data)
            self.closing = reason[1].decode() if reason else "?"
        if found := _ID.search(event.data):
            self.counts_by_id[found[1]] += 1
            key = self.protocol.message_key(event)
            if key:
                self.ids_by_key.setdefault(key, set()).add(found[1])
                self.received_at.setdefault(key, time.monotonic())


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds
