"""Clients that send without a pause and try again, by the same request, until they are told."""

import asyncio
import heapq
import time
from collections import Counter

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import Cut, Line, Reply
from chaos.sends import Send, Sends

AGAIN_AFTER = 0.02
LATER = 0.5
"""Seconds until a send is tried again whose first try the server still thinks to be running."""
PATIENCE = 120.0


class Load:
    """`clients` at once, from `start` to `finish`, each resting `pause_s` seconds after a send that
    was told. `answers` counts what came back: statuses, and
    `cut` where nothing or half did. `latest` is when the newest acknowledged try began and ended
    (monotonic seconds); `worst_s` is the longest any message took, from first try to told."""

    def __init__(
        self,
        port: int,
        sends: Sends,
        ledger: ConsistencyCheck,
        clients: int = 8,
        *,
        pause_s: float = 0,
    ) -> None:
        self._port = port
        self._sends = sends
        self._ledger = ledger
        self._clients = clients
        self._pause_s = pause_s
        self._stopping = False
        self._later: list[tuple[float, str, float, Send]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.answers: Counter[str] = Counter()
        self.latest = (0.0, 0.0)
        self.worst_s = 0.0

    def start(self) -> None:
        """Begin to send."""
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]

    async def finish(self) -> None:
        """Send no more, and wait until every send was told. Raises TimeoutError."""
        self._stopping = True
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._tasks)

    def check(self) -> None:
        """Raise what a client broke off with, if one did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _client(self) -> None:
        line = Line(self._port)
        while (due := self._next()) or not self._stopping or self._later:
            if due is None:
                await asyncio.sleep(AGAIN_AFTER)
                continue
            await self._until_told(line, *due)
            await asyncio.sleep(self._pause_s)
        line.close()

    def _next(self) -> tuple[float, Send] | None:
        """What was put off and is due, else a new send, else nothing."""
        now = time.monotonic()
        if self._later and self._later[0][0] <= now:
            _, _, since, send = heapq.heappop(self._later)
            return since, send
        return None if self._stopping else (now, self._sends.new())

    async def _until_told(self, line: Line, since: float, send: Send) -> None:
        while True:
            began = time.monotonic()
            reply = await self._try(line, send)
            if reply is not None and reply.status in (200, 201):
                self._ledger.acknowledged(send, send.shown_id(reply))
                self.latest = (began, time.monotonic())
                self.worst_s = max(self.worst_s, self.latest[1] - since)
                return
            if reply is not None and reply.status == 409:
                self._put_off(since, send)
                return
            if reply is not None and reply.status < 500:
                raise RuntimeError(f"{send.dialect}: {reply.status} {reply.body[:500]!r}")
            await asyncio.sleep(AGAIN_AFTER)

    def _put_off(self, since: float, send: Send) -> None:
        """Until later, and the later the longer it takes."""
        now = time.monotonic()
        heapq.heappush(self._later, (now + max(LATER, (now - since) / 4), send.key, since, send))

    async def _try(self, line: Line, send: Send) -> Reply | None:
        try:
            reply = await line.ask(send.request)
        except (OSError, Cut, TimeoutError):
            self.answers["cut"] += 1
            return None
        self.answers[str(reply.status)] += 1
        return reply
