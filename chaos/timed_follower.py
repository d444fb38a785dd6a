"""One who follows a node's native stream and writes down when it was told what."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import httpx

from chaos.http_client import HOST
from chaos.seed import SeededTenant

BEGINS_WITHIN = 30.0
_AGAIN_AFTER = 0.05
_SILENCE = 60.0


class TimedFollower:
    """`came` has, for each message's first word, when it was told (monotonic seconds); `doubled`
    counts events told more than once. A stream that ends is followed on from the last cursor."""

    def __init__(self, port: int, seeded: SeededTenant, who: str = "ada") -> None:
        self._url = f"http://{HOST}:{port}/v1/events"
        self._headers = seeded.bearer(who)
        self._ready = asyncio.Event()
        self._cursor = ""
        self._ids: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.came: dict[str, float] = {}
        self.cuts = 0

    async def start(self) -> None:
        """Begin to follow; answers when the stream has begun. Raises TimeoutError."""
        self._task = asyncio.create_task(self._follow())
        async with asyncio.timeout(BEGINS_WITHIN):
            await self._ready.wait()

    async def end(self) -> None:
        """Follow no more; raises what the follower broke off with."""
        assert self._task is not None, "not started"
        self._task.cancel()
        (how,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(how, Exception):
            raise how

    @property
    def duplicates(self) -> int:
        """How many events were told more than once."""
        return sum(count > 1 for count in self._ids.values())

    async def _follow(self) -> None:
        async with httpx.AsyncClient(timeout=_SILENCE) as client:
            while True:
                try:
                    await self._read(client)
                except httpx.TransportError:
                    pass
                self.cuts += 1
                await asyncio.sleep(_AGAIN_AFTER)

    async def _read(self, client: httpx.AsyncClient) -> None:
        back = {"Last-Event-ID": self._cursor} if self._cursor else {}
        async with client.stream("GET", self._url, headers=self._headers | back) as answer:
            if answer.status_code != httpx.codes.OK:
                return
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self._cursor = value
                    self._ready.set()
                elif name == "data":
                    self._told(json.loads(value))

    def _told(self, event: dict[str, Any]) -> None:
        if event.get("type") == "message.created":
            self._ids[event["id"]] += 1
            key = str(event["data"]["message"]["content"]).split(" ")[0]
            self.came.setdefault(key, time.monotonic())
