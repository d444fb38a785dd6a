"""A bounded queue for work that only so many may do at once, fair between groups of callers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from msgspec import Struct

K = TypeVar("K")
_Waiter = asyncio.Future[None]


class Full(Exception):
    """So many wait already, or one waited so long, that it must come again."""


class Bounds(Struct, frozen=True, kw_only=True):
    """How many are at work and how many wait, in all and of one group; None is no bound. Of one
    caller `of_caller` are at work. `patience` is how many seconds one waits."""

    at_once: int
    of_group: int
    of_caller: int
    waiting: int | None = None
    waiting_of_group: int | None = None
    patience: float | None = None


class Turns:
    """Used from one event loop. Who waits is taken group by group in turn, within a group caller
    by caller, for one caller in the order of coming."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._queues: dict[str, dict[str, list[_Waiter]]] = {}
        self._at_work = 0
        self._of_group: Counter[str] = Counter()
        self._of_caller: Counter[tuple[str, str]] = Counter()
        self._waiting: Counter[str] = Counter()
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, group: str, caller: str) -> AsyncIterator[None]:
        """Hold a turn for the length of a block, after waiting for it. Raises Full."""
        if self._free(group, caller):  # whoever waits cannot begin: this overtakes nobody
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
            self._at_work < bounds.at_once
            and self._of_group[group] < bounds.of_group
            and self._of_caller[group, caller] < bounds.of_caller
        )

    async def _wait(self, group: str, caller: str) -> None:
        bounds = self._bounds
        if bounds.waiting is not None and self.waiting >= bounds.waiting:
            raise Full
        if bounds.waiting_of_group is not None and self._waiting[group] >= bounds.waiting_of_group:
            raise Full
        waiter: _Waiter = asyncio.get_running_loop().create_future()
        self._queues.setdefault(group, {}).setdefault(caller, []).append(waiter)
        self.waiting += 1
        self._waiting[group] += 1
        try:
            async with asyncio.timeout(bounds.patience):
                await self._turn_of(group, caller, waiter)
        except TimeoutError:
            raise Full from None

    async def _turn_of(self, group: str, caller: str, waiter: _Waiter) -> None:
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self._end(group, caller)  # the turn had just been given
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
        """Let in whoever may come in now."""
        while self._at_work < self._bounds.at_once and (found := self._next()):
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
                if self._of_group[group] >= self._bounds.of_group:
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
