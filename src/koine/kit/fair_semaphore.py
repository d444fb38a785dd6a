"""A semaphore with a bounded queue that is fair between groups of callers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from msgspec import Struct

K = TypeVar("K")
_Waiter = asyncio.Future[None]


class QueueFull(Exception):
    """The queue is full, or a caller waited too long: it must try again later."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How many slots are held and how many callers wait, in all and of one group; one caller holds
    at most `max_per_caller`. Nobody waits longer than `wait_seconds`. None is no bound."""

    max_concurrent: int
    max_per_group: int
    max_per_caller: int
    max_waiting: int | None = None
    max_waiting_per_group: int | None = None
    wait_seconds: float | None = None


class FairSemaphore:
    """Used from one event loop. Slots go to the waiting groups in turn (round robin), within
    a group to its callers in turn, and to one caller's waiters first in, first out."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._queues: dict[str, dict[str, list[_Waiter]]] = {}
        self._at_work = 0
        self._of_group: Counter[str] = Counter()
        self._of_caller: Counter[tuple[str, str]] = Counter()
        self._waiting: Counter[str] = Counter()
        self._since: dict[_Waiter, float] = {}
        self.waiting = 0

    @property
    def held(self) -> int:
        """How many slots are held."""
        return self._at_work

    def oldest_seconds(self) -> float:
        """For how many seconds the caller that waits longest has waited; 0 when none waits."""
        first = next(iter(self._since.values()), None)
        return 0.0 if first is None else monotonic() - first

    @asynccontextmanager
    async def slot(self, group: str, caller: str) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for the length of a block. Raises QueueFull."""
        if self._free(group, caller):  # no waiting caller could start now: none is overtaken
            self._begin(group, caller)
        else:
            await self._wait(group, caller)
        try:
            yield
        finally:
            self._end(group, caller)

    def _free(self, group: str, caller: str) -> bool:
        bounds = self._bounds
        return (
            self._at_work < bounds.max_concurrent
            and self._of_group[group] < bounds.max_per_group
            and self._of_caller[group, caller] < bounds.max_per_caller
        )

    async def _wait(self, group: str, caller: str) -> None:
        bounds = self._bounds
        if bounds.max_waiting is not None and self.waiting >= bounds.max_waiting:
            raise QueueFull
        if (
            bounds.max_waiting_per_group is not None
            and self._waiting[group] >= bounds.max_waiting_per_group
        ):
            raise QueueFull
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._queues.setdefault(group, {}).setdefault(caller, []).append(waiter)
        self.waiting += 1
        self._waiting[group] += 1
        self._since[waiter] = monotonic()
        try:
            async with asyncio.timeout(bounds.wait_seconds):
                await self._slot_of(group, caller, waiter)
        except TimeoutError:
            raise QueueFull from None
        finally:
            del self._since[waiter]

    async def _slot_of(self, group: str, caller: str, waiter: _Waiter) -> None:
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._end(group, caller)  # it was cancelled just after it had got the slot
            elif waiter in self._queues.get(group, {}).get(caller, ()):
                self._forget(group, caller, waiter)
            raise

    def _begin(self, group: str, caller: str) -> None:
        self._at_work += 1
        self._of_group[group] += 1
        self._of_caller[group, caller] += 1

    def _end(self, group: str, caller: str) -> None:
        self._at_work -= 1
        _less(self._of_group, group)
        _less(self._of_caller, (group, caller))
        self._admit()

    def _admit(self) -> None:
        """Give the free slots to waiting callers."""
        while self._at_work < self._bounds.max_concurrent and (found := self._next()):
            group, caller, waiter = found
            self._forget(group, caller, waiter)
            if waiter.cancelled():
                continue
            self._begin(group, caller)
            waiter.set_result(None)
            if callers := self._queues.pop(group, None):
                if others := callers.pop(caller, None):
                    callers[caller] = others
                self._queues[group] = callers

    def _next(self) -> tuple[str, str, _Waiter] | None:
        for group, callers in self._queues.items():
            for caller, waiters in callers.items():
                if self._of_group[group] >= self._bounds.max_per_group:
                    break
                if self._free(group, caller):
                    return group, caller, waiters[0]
        return None

    def _forget(self, group: str, caller: str, waiter: _Waiter) -> None:
        self.waiting -= 1
        _less(self._waiting, group)
        callers = self._queues[group]
        callers[caller].remove(waiter)
        if not callers[caller]:
            del callers[caller]
        if not callers:
            del self._queues[group]


def _less(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
