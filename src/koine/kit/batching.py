"""Do work for several callers at once: what is added while a batch runs is the next batch."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def _never(_error: Exception) -> bool:
    return False


class Batcher(Generic[T, R]):
    """Does `work` for up to `max_size` items in one call, `lanes` calls at a time.

    There is no timer: a lane takes what is queued the moment it is free, so a lone item never
    waits and a busy server's batches grow by themselves. `work` returns one result for each item,
    in order. What it raises is raised for every item of the batch, unless `replays` holds of it:
    then each item is done alone, so that only those fail that fail by themselves.
    """

    def __init__(
        self,
        work: Callable[[list[T]], Awaitable[list[R]]],
        *,
        max_size: int = 64,
        lanes: int = 2,
        replays: Callable[[Exception], bool] = _never,
    ) -> None:
        self._work = work
        self._max_size = max_size
        self._idle_lanes = lanes
        self._replays = replays
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._added_at: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def queued(self) -> int:
        """How many items are queued."""
        return len(self._queue)

    def oldest_seconds(self) -> float:
        """For how many seconds the oldest item has been queued; 0 when none is."""
        return monotonic() - self._added_at[0] if self._added_at else 0.0

    def add(self, item: T) -> asyncio.Future[R]:
        """Queue one item; await its result. An item that is cancelled while queued is skipped."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        self._added_at.append(monotonic())
        if self._idle_lanes:
            self._idle_lanes -= 1
            # A context of its own: a lane works for many callers, not for the one that started it.
            lane = asyncio.create_task(self._run_lane(), context=Context())
            self._tasks.add(lane)
            lane.add_done_callback(self._tasks.discard)
        return future

    async def _run_lane(self) -> None:
        try:
            while batch := self._take():
                try:
                    await self._run(batch)
                except Exception as error:
                    await self._fail(batch, error)
        finally:
            # In the very step that found the queue empty: the next `add` starts a lane.
            self._idle_lanes += 1

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch: list[tuple[T, asyncio.Future[R]]] = []
        while self._queue and len(batch) < self._max_size:
            queued = self._queue.popleft()
            self._added_at.popleft()
            if not queued[1].cancelled():
                batch.append(queued)
        return batch

    async def _run(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        results = await self._work([item for item, _ in batch])
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _fail(self, batch: list[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
        if len(batch) > 1 and self._replays(error):
            for queued in batch:
                try:
                    await self._run([queued])
                except Exception as own:
                    await self._fail([queued], own)
            return
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
