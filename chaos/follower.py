"""One who follows by a raw connection, leaves when it likes, and comes back with its cursor."""

import asyncio
import contextlib
import re
import socket
import time
from collections import Counter

from msgspec import Struct

from chaos.clients import StreamProtocol
from chaos.http_client import HOST
from chaos.seed import SeededTenant
from chaos.stream_parsers import Head, ReceivedEvent, UnexpectedStatus

OPENS_WITHIN = 60.0
_READ = 65536
_ID = re.compile(rb'"id":"(evt_[0-9a-f]{32})"')


class Disconnects(Struct, frozen=True):
    """When to leave: after so many bytes, so many seconds, whatever comes first."""

    bytes: float = float("inf")
    seconds: float = float("inf")


class StreamFollower:
    """`ids` counts how often each event was told, `words` has the ids under which each message's
    first word came, `came` when (monotonic seconds); `cursor` is the last one seen. `reads` may be
    cleared: then nothing is read."""

    def __init__(
        self, manner: StreamProtocol, seeded: SeededTenant, cursor: str, receives: int = 0
    ) -> None:
        """`receives` is how much the system keeps for us unread, in bytes (0: as it likes)."""
        self.manner = manner
        self.cursor = cursor
        self.ids: Counter[bytes] = Counter()
        self.words: dict[str, set[bytes]] = {}
        self.came: dict[str, float] = {}
        self.ready = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.resets = 0
        self.retry_ms = 0
        self.closing = ""
        self._seeded = seeded
        self._receives = receives

    async def follow(self, port: int, leaves: Disconnects | None = None) -> None:
        """Follow one connection until we leave or it ends. Raises OSError when it cannot be had or
        breaks, Refused when it is answered by something else, TimeoutError when by nothing."""
        leaves = leaves or Disconnects()
        self.ready.clear()
        self.closing, self.retry_ms = "", 0
        reader, writer = await self._open(port)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_finite(leaves.seconds)):
                    await self._read(reader, writer, leaves.bytes)
        finally:
            self.ready.clear()
            writer.transport.abort()

    async def _open(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = socket.socket()
        made.setblocking(False)
        if self._receives:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receives)
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await asyncio.get_running_loop().sock_connect(made, (HOST, port))
                return await asyncio.open_connection(sock=made, limit=self._receives or _READ)
        except BaseException:
            made.close()
            raise

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float
    ) -> None:
        head, parser, came = Head(self.manner.status), self.manner.parser(), 0
        writer.write(self.manner.opening(self._seeded, self.cursor))
        while came < most and (data := await self._some(reader, most - came)):
            came += len(data)
            began = head.over
            data = head.feed(data)
            if head.over and not began:
                writer.write(self.manner.hello(self._seeded, self.cursor))
            for told in parser.feed(data):
                self._received(told)

    async def _some(self, reader: asyncio.StreamReader, most: float) -> bytes:
        await self.reads.wait()
        return await reader.read(min(_READ, int(min(most, _READ))))

    def _received(self, told: ReceivedEvent) -> None:
        """A frame, whole: what comes before its cursor is ours."""
        if told.cursor:
            self.cursor = told.cursor
            self.ready.set()
        if told.kind == "reset":
            self.resets += 1
        if told.kind == "closing":
            found = re.search(rb'"retry_ms":([0-9]+)', told.data)
            self.retry_ms = int(found[1]) if found else 0
            reason = re.search(rb'"reason":"([a-z]+)"', told.data)
            self.closing = reason[1].decode() if reason else "?"
        if named := _ID.search(told.data):
            self.ids[named[1]] += 1
            word = self.manner.text_of(told)
            if word:
                self.words.setdefault(word, set()).add(named[1])
                self.came.setdefault(word, time.monotonic())


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds


__all__ = ["Disconnects", "StreamFollower", "UnexpectedStatus"]
