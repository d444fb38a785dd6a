"""A client of a node's native stream that records when it received each message."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import httpx

from chaos.http_client import HOST
from chaos.seeded_tenant import SeededTenant

START_TIMEOUT_S = 30.0
_RECONNECT_AFTER_S = 0.05
_TIMEOUT_S = 60.0


class TimedStreamClient:
    """`received_at` has, by the first word of each message, when its event was received (monotonic
    seconds). When the stream ends, another is opened from the last cursor."""

    def __init__(self, port: int, tenant: SeededTenant, user: str = "ada") -> None:
        self._url = f"http://{HOST}:{port}/v1/events"
        self._headers = tenant.bearer(user)
        self._ready = asyncio.Event()
        self._cursor = ""
        self._ids: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.received_at: dict[str, float] = {}
        self.cuts = 0

    async def start(self) -> None:
        """Open the stream, and wait until it has begun. Raises TimeoutError."""
        self._task = asyncio.create_task(self._follow())
        async with asyncio.timeout(START_TIMEOUT_S):
            await self._ready.wait()

    async def end(self) -> None:
        """Close the stream; raises the exception that ended it, if one did."""
        assert self._task is not None, "not started"
        self._task.cancel()
        (error,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(error, Exception):
            raise error

    @property
    def duplicates(self) -> int:
        """How many events were received more than once."""
        return sum(count > 1 for count in self._ids.values())

    async def _follow(self) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            while True:
                try:
                    await self._read(client)
                except httpx.TransportError:
                    pass
                self.cuts += 1
                await asyncio.sleep(_RECONNECT_AFTER_S)

    async def _read(self, client: httpx.AsyncClient) -> None:
        resume = {"Last-Event-ID": self._cursor} if self._cursor else {}
        async with client.stream("GET", self._url, headers=self._headers | resume) as response:
            if response.status_code != httpx.codes.OK:
                return
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self._cursor = value
                    self._ready.set()
                elif name == "data":
                    self._record(json.loads(value))

    def _record(self, event: dict[str, Any]) -> None:
        if event.get("type") == "message.created":
            self._ids[event["id"]] += 1
            key = str(event["data"]["message"]["content"]).split(" ")[0]
            self.received_at.setdefault(key, time.monotonic())
