"""The reference consumer, docs/examples/webhook_consumer.py, behind a door that fails."""

import asyncio
import importlib.util
import json
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from chaos.http_client import HOST

FAILURE_SHARE = 0.3
"""Part of the posts that fail."""
AT_MOST = 8
"""Failures of one event: its ninth or tenth try is the schedule's last."""
TO_THE_END = 0.001
"""Part of the events of which every try fails but the tenth, the schedule's last."""
TRIES = 10
FAULTS = ("500", "429", "hang", "hang after", "reset", "reset after", "half after")
""""after" is after the work was done: the sender cannot know."""
OK, NO = b"HTTP/1.1 204 x\r\n\r\n", b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"
LATER = b"HTTP/1.1 429 x\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"
HALF = b"HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\nhal"


def _reference() -> ModuleType:
    program = Path(__file__).parents[1] / "docs" / "examples" / "webhook_consumer.py"
    spec = importlib.util.spec_from_file_location("webhook_consumer", program)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


REFERENCE = _reference()


class Consumer:
    """Takes posts; `secrets` are those of the endpoints, by path. `clock` answers seconds.

    `once=False` is a planted bug: a consumer that does not look whether it knows an event. What was
    done is in `done`: how often for each message, by its id.
    """

    def __init__(
        self, path: Path, dice: random.Random, clock: Callable[[], float], *, once: bool = True
    ) -> None:
        self.secrets: dict[str, str] = {}
        self.port = 0
        self.posts: Counter[str] = Counter()
        self.posted = asyncio.Event()
        self._effects = REFERENCE.Effects(str(path), effect=_job)
        self._database: sqlite3.Connection = self._effects.database
        self._database.execute("CREATE TABLE IF NOT EXISTS jobs (message TEXT)")
        # What a power cut may take from the receiver is not what is measured.
        self._database.execute("PRAGMA synchronous = OFF")
        self._dice = dice
        self._clock = clock
        self._once = once
        self._left: dict[str, int] = {}

    def processed(self) -> Counter[str]:
        """How often the work was done for each message."""
        return Counter(message for (message,) in self._database.execute("SELECT * FROM jobs"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while await self._post(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One post; answers whether the connection is still of use."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (li.partition(": ") for li in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        webhook_id = headers["webhook-id"]
        if not REFERENCE.verify(self.secrets[first.split()[1]], headers, body, self._clock()):
            raise RuntimeError(f"a signature that does not hold: {first}")
        fault = self._fault(webhook_id)
        self.posts[fault or "well"] += 1
        self.posted.set()
        if not fault or fault.endswith("after"):
            self._take(webhook_id, body)
        match fault.partition(" ")[0]:
            case "hang":
                await reader.read()
                return False
            case "reset":
                writer.transport.abort()
                return False
            case "half":
                writer.write(HALF)
                return False
        writer.write({"500": NO, "429": LATER}.get(fault, OK))
        return True

    def _fault(self, webhook_id: str) -> str:
        """How this post fails, empty if it does not; an event fails a while and then no more."""
        left = self._left.get(webhook_id)
        if left is None:
            left = TRIES - 1 if self._dice.random() < TO_THE_END else 0
            while left < AT_MOST and self._dice.random() < FAILURE_SHARE:
                left += 1
        self._left[webhook_id] = left - 1
        return self._dice.choice(FAULTS) if left > 0 else ""

    def _take(self, webhook_id: str, body: bytes) -> None:
        known_as = webhook_id if self._once else f"{self.posts.total()}"
        if not self._effects.take(known_as, json.loads(body)):
            self.posts["known"] += 1


def _job(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    database.execute("INSERT INTO jobs VALUES (?)", (event["data"]["message"]["id"],))


@asynccontextmanager
async def flaky_consumer(consumer: Consumer) -> AsyncIterator[Consumer]:
    """The consumer on a port of its own, for as long as the context is open."""
    server = await asyncio.start_server(consumer.serve, HOST, 0, backlog=1024)
    consumer.port = server.sockets[0].getsockname()[1]
    try:
        yield consumer
    finally:
        server.close()
