"""Clients that send messages, and retry each by the same request until it is acknowledged."""

import asyncio
import heapq
import time
from collections import Counter
from contextlib import closing

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import Connection, IncompleteResponse, Response
from chaos.sends import Send, Sends

RETRY_AFTER_S = 0.02
CONFLICT_RETRY_AFTER_S = 0.5
"""Seconds until the retry after a 409: the server thinks that the first request still runs."""
FINISH_TIMEOUT_S = 120.0


class RetryingSenders:
    """`clients` send at the same time, from `start` to `finish`; each waits `pause_s` seconds after
    an acknowledged send. `responses` counts statuses, and `cut` where there was no complete
    response. `latest` is when the last acknowledged request began and ended (monotonic seconds);
    `worst_s` is the longest time from the first request of a send to its acknowledgement."""

    def __init__(
        self,
        port: int,
        sends: Sends,
        check: ConsistencyCheck,
        clients: int = 8,
        *,
        pause_s: float = 0,
    ) -> None:
        self._port = port
        self._sends = sends
        self._check = check
        self._clients = clients
        self._pause_s = pause_s
        self._stopping = False
        self._postponed: list[tuple[float, str, float, Send]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.responses: Counter[str] = Counter()
        self.latest = (0.0, 0.0)
        self.worst_s = 0.0

    def start(self) -> None:
        """Start the clients."""
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]

    async def finish(self) -> None:
        """Start no new send, and wait until each is acknowledged. Raises TimeoutError."""
        self._stopping = True
        async with asyncio.timeout(FINISH_TIMEOUT_S):
            await asyncio.gather(*self._tasks)

    def raise_errors(self) -> None:
        """Raise the exception that ended a client, if one did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _client(self) -> None:
        with closing(Connection(self._port)) as connection:
            while (due := self._next()) or not self._stopping or self._postponed:
                if due is None:
                    await asyncio.sleep(RETRY_AFTER_S)
                    continue
                await self._send_until_acknowledged(connection, *due)
                await asyncio.sleep(self._pause_s)

    def _next(self) -> tuple[float, Send] | None:
        """A postponed send that is due, else a new one, and the time of its first request."""
        now = time.monotonic()
        if self._postponed and self._postponed[0][0] <= now:
            _, _, since, send = heapq.heappop(self._postponed)
            return since, send
        return None if self._stopping else (now, self._sends.new())

    async def _send_until_acknowledged(
        self, connection: Connection, since: float, send: Send
    ) -> None:
        while True:
            began = time.monotonic()
            response = await self._try(connection, send)
            if response is not None and response.status in (200, 201):
                self._check.record(send, send.shown_id(response))
                self.latest = (began, time.monotonic())
                self.worst_s = max(self.worst_s, self.latest[1] - since)
                return
            if response is not None and response.status == 409:
                self._postpone(since, send)
                return
            if response is not None and response.status < 500:
                raise RuntimeError(f"{send.dialect}: {response.status} {response.body[:500]!r}")
            await asyncio.sleep(RETRY_AFTER_S)

    def _postpone(self, since: float, send: Send) -> None:
        """Retry later; after a longer pause the longer the send already takes."""
        now = time.monotonic()
        heapq.heappush(
            self._postponed,
            (now + max(CONFLICT_RETRY_AFTER_S, (now - since) / 4), send.key, since, send),
        )

    async def _try(self, connection: Connection, send: Send) -> Response | None:
        try:
            response = await connection.send(send.request)
        except (OSError, IncompleteResponse, TimeoutError):
            self.responses["cut"] += 1
            return None
        self.responses[str(response.status)] += 1
        return response
