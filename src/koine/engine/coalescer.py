"""The writer that coalesces sends: whatever is queued goes in one transaction, one commit.

There is no timer: a lane takes what is queued the moment it is free, so the first message never
waits and a busy server's batches grow by themselves. A sender is answered after the commit, with
its own outcome: a message or a refusal, never a neighbour's (docs/adr/0005).
"""

import asyncio
from collections import deque
from contextvars import Context

from koine.engine.posting import Outcome, Post, post_batch
from koine.kit import metrics, tracing
from koine.kit.clock import Clock
from koine.model.errors import Refusal, Unavailable
from koine.model.message import Message
from koine.store.db import Database

LANES = 2
"""Batches under way at once: while one commits, the next is being written."""
MOST = 64
"""Messages in one batch; larger ones gain little and make a poisoned batch dearer to replay."""
WAITING = 4096
"""Senders who wait at most: about a second's work. While the database hangs, more are turned away
at once, so that a flood fills neither the memory nor anybody's patience."""

Waiting = tuple[Post, asyncio.Future[Outcome], object | None]
"""A post, its outcome to come, and the span that waits for it, if there is one."""


class Coalescer:
    """Posts messages, many callers at once. One for each engine."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._queue: deque[Waiting] = deque()
        self._idle_lanes = LANES
        self._tasks: set[asyncio.Task[None]] = set()
        self.answered = 0
        """How many were told what became of theirs, since the start."""

    async def post(self, post: Post) -> Message:
        """Write the message; when this returns it is on disk. Raises the post's own Refusal, and
        Unavailable when too many wait. Cancelled while it waits, it is not written."""
        if len(self._queue) >= WAITING:
            raise Unavailable()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((post, future, tracing.here()))
        if self._idle_lanes:
            self._idle_lanes -= 1
            # A context of its own: what a lane does, it does for many requests.
            lane = asyncio.create_task(self._work(), context=Context())
            self._tasks.add(lane)
            lane.add_done_callback(self._tasks.discard)
        outcome = await future
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _work(self) -> None:
        try:
            while batch := self._take():
                try:
                    await self._write(batch)
                except Exception as error:
                    await self._replay(batch, error)
        finally:
            # In the very step that found the queue empty: whoever posts next starts a lane.
            self._idle_lanes += 1

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        while self._queue and len(batch) < MOST:
            waiting = self._queue.popleft()
            if not waiting[1].cancelled():
                batch.append(waiting)
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        posts = [post for post, _, _ in batch]
        with tracing.span("send batch", links=[span for *_, span in batch], messages=len(batch)):
            outcomes = await self._db.write_hot(post_batch, self._clock.now(), posts)
        metrics.BATCH.observe(len(batch))
        metrics.SENDS.inc(sum(not isinstance(outcome, Refusal) for outcome in outcomes))
        for (_, future, _), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)
        self.answered += len(batch)

    async def _replay(self, batch: list[Waiting], error: Exception) -> None:
        """Something the database refuses is in the batch: each goes alone, so only it fails.

        A refusal of the whole batch (the database is down) is every sender's answer.
        """
        if len(batch) == 1 or isinstance(error, Refusal):
            for _, future, _ in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for waiting in batch:
            try:
                await self._write([waiting])
            except Exception as own:
                await self._replay([waiting], own)
