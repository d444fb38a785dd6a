"""Work that is cheaper done for many at once: what is asked while one round goes is the next."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Does `work` for up to `most` items in one call, `rounds` calls at a time; a lone item never
    waits. `work` answers one result for each, in order; what it raises, all of them get."""

    def __init__(
        self, work: Callable[[list[T]], Awaitable[list[R]]], most: int = 64, rounds: int = 2
    ) -> None:
        self._work = work
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._idle = rounds
        self._rounds: set[asyncio.Task[None]] = set()

    async def do(self, item: T) -> R:
        """The result of one item. Cancelled, it may be done all the same."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._idle:
            self._idle -= 1
            task = asyncio.create_task(self._go())
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        return await future

    async def _go(self) -> None:
        try:
            while self._waiting:
                now, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._round(now)
        finally:
            self._idle += 1

    async def _round(self, now: list[tuple[T, asyncio.Future[R]]]) -> None:
        futures = [future for _, future in now]
        try:
            results = await self._work([item for item, _ in now])
        except Exception as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in zip(futures, results, strict=True):
            if not future.done():
                future.set_result(result)
