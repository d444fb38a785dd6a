"""A receiver of webhooks that fails often, around the reference consumer of the documentation.

It fails before or after the consumer (docs/examples/webhook_consumer.py) has processed the event:
a sender that gets no response cannot know which.
"""

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
"""Share of the requests that fail."""
MAX_FAILURES = 8
"""Failures of one event at most, apart from LAST_ATTEMPT_SHARE: the schedule has ten attempts."""
LAST_ATTEMPT_SHARE = 0.001
"""Share of the events of which each attempt fails but the tenth, the last of the schedule."""
ATTEMPTS = 10
FAULTS = ("500", "429", "hang", "hang after", "reset", "reset after", "half after")
""""after": the event was processed before the failure."""
OK, SERVER_ERROR = b"HTTP/1.1 204 x\r\n\r\n", b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 429 x\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"
HALF = b"HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\nhal"


def _reference() -> ModuleType:
    path = Path(__file__).parents[1] / "docs" / "examples" / "webhook_consumer.py"
    spec = importlib.util.spec_from_file_location("webhook_consumer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _reference()


class Consumer:
    """Receives webhooks. `secrets` are the endpoints' secrets by path; `clock` returns seconds;
    `requests` counts the requests that succeeded, each kind of failure, and repeated events.

    `deduplicate=False` is a planted fault: a consumer that processes repeated events again.
    """

    def __init__(
        self,
        path: Path,
        rng: random.Random,
        clock: Callable[[], float],
        *,
        deduplicate: bool = True,
    ) -> None:
        self.secrets: dict[str, str] = {}
        self.port = 0
        self.requests: Counter[str] = Counter()
        self.request_received = asyncio.Event()
        self._effects = REFERENCE.Effects(str(path), effect=_insert_job)
        self._database: sqlite3.Connection = self._effects.database
        self._database.execute("CREATE TABLE IF NOT EXISTS jobs (message TEXT)")
        # Durability of the receiver is not measured.
        self._database.execute("PRAGMA synchronous = OFF")
        self._rng = rng
        self._clock = clock
        self._deduplicate = deduplicate
        self._failures_left: dict[str, int] = {}

    def processed(self) -> Counter[str]:
        """How often each message was processed, by its id."""
        return Counter(message for (message,) in self._database.execute("SELECT * FROM jobs"))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one keep-alive connection."""
        try:
            while await self._respond(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Respond to one request; return whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (li.partition(": ") for li in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        webhook_id = headers["webhook-id"]
        if not REFERENCE.verify(self.secrets[first.split()[1]], headers, body, self._clock()):
            raise RuntimeError(f"a signature that is not valid: {first}")
        fault = self._fault(webhook_id)
        self.requests[fault or "succeeded"] += 1
        self.request_received.set()
        if not fault or fault.endswith("after"):
            self._process(webhook_id, body)
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
        writer.write({"500": SERVER_ERROR, "429": TOO_MANY}.get(fault, OK))
        return True

    def _fault(self, webhook_id: str) -> str:
        """How this request fails ("": not at all). An event succeeds after some failures."""
        failures = self._failures_left.get(webhook_id)
        if failures is None:
            failures = ATTEMPTS - 1 if self._rng.random() < LAST_ATTEMPT_SHARE else 0
            while failures < MAX_FAILURES and self._rng.random() < FAILURE_SHARE:
                failures += 1
        self._failures_left[webhook_id] = failures - 1
        return self._rng.choice(FAULTS) if failures > 0 else ""

    def _process(self, webhook_id: str, body: bytes) -> None:
        key = webhook_id if self._deduplicate else f"{self.requests.total()}"
        if not self._effects.take(key, json.loads(body)):
            self.requests["repeated"] += 1


def _insert_job(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    database.execute("INSERT INTO jobs VALUES (?)", (event["data"]["message"]["id"],))


@asynccontextmanager
async def flaky_consumer(consumer: Consumer) -> AsyncIterator[Consumer]:
    """Serve the consumer on a free port until the end of the context."""
    server = await asyncio.start_server(consumer.serve, HOST, 0, backlog=1024)
    consumer.port = server.sockets[0].getsockname()[1]
    try:
        yield consumer
    finally:
        server.close()
