"""The fair semaphore: slots go to groups and callers in turn, the queue has a bound."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from koine.kit.fair_semaphore import Bounds, FairSemaphore, QueueFull

ONE = Bounds(max_concurrent=1, max_per_group=1, max_per_caller=1)


class Callers:
    """Starts callers; `had` has those that got a slot, which they hold until `release_all`."""

    def __init__(self, semaphore: FairSemaphore) -> None:
        self.semaphore = semaphore
        self.had: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.gate = asyncio.Event()

    async def acquire(self, *names: str) -> None:
        """Start callers, one after the other; names are "group caller"."""
        for name in names:
            self.tasks.append(asyncio.create_task(self._take(name)))
            await asyncio.sleep(0)

    async def release_all(self) -> list[str]:
        """Release all slots; return the order in which the callers got theirs."""
        self.gate.set()
        await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), 10)
        return self.had

    async def _take(self, name: str) -> None:
        group, caller = name.split()
        async with self.semaphore.slot(group, caller):
            self.had.append(name)
            await self.gate.wait()


@asynccontextmanager
async def all_taken(semaphore: FairSemaphore) -> AsyncIterator[None]:
    async with semaphore.slot("x", "x"):
        yield


async def test_groups_and_their_callers_get_slots_in_turn() -> None:
    callers = Callers(FairSemaphore(ONE))
    await callers.acquire("a 1", "a 1", "a 1", "a 2", "b 1", "b 1")
    assert await callers.release_all() == ["a 1", "a 1", "b 1", "a 2", "b 1", "a 1"]
    assert callers.semaphore.waiting == 0


async def test_one_group_cannot_take_all_slots(bounded_callers: Bounds) -> None:
    callers = Callers(FairSemaphore(bounded_callers))
    await callers.acquire("a 1", "a 1", "a 2", "a 3", "a 4", "b 1")
    assert callers.had == ["a 1", "a 2", "b 1"]
    assert sorted(await callers.release_all()) == ["a 1", "a 1", "a 2", "a 3", "a 4", "b 1"]


@pytest.fixture
def bounded_callers() -> Bounds:
    return Bounds(max_concurrent=3, max_per_group=2, max_per_caller=1)


async def test_a_caller_beyond_the_queue_is_refused() -> None:
    semaphore = FairSemaphore(
        Bounds(
            max_concurrent=1,
            max_per_group=1,
            max_per_caller=1,
            max_waiting=3,
            max_waiting_per_group=2,
            wait_seconds=30,
        )
    )
    callers = Callers(semaphore)
    async with all_taken(semaphore):
        await callers.acquire("a 1", "a 2")
        with pytest.raises(QueueFull):
            async with semaphore.slot("a", "3"):
                pass
        await callers.acquire("b 1")
        with pytest.raises(QueueFull):
            async with semaphore.slot("c", "1"):
                pass
    assert await callers.release_all() == ["a 1", "b 1", "a 2"]


async def test_a_caller_that_waits_too_long_is_refused_and_leaves_no_state() -> None:
    semaphore = FairSemaphore(
        Bounds(max_concurrent=1, max_per_group=1, max_per_caller=1, wait_seconds=0.01)
    )
    async with all_taken(semaphore):
        with pytest.raises(QueueFull):
            async with semaphore.slot("a", "1"):
                pass
        assert semaphore.waiting == 0
    async with semaphore.slot("a", "1"):
        pass


async def test_a_slot_of_a_cancelled_caller_goes_to_the_next() -> None:
    callers = Callers(FairSemaphore(ONE))
    async with all_taken(callers.semaphore):
        await callers.acquire("a 1", "a 2", "b 1", "b 2")
        callers.tasks[0].cancel()
        await asyncio.sleep(0)
        callers.tasks[2].cancel()  # still in the queue when the slot becomes free
    callers.tasks[1].cancel()  # has been given the slot, and was not resumed yet
    assert await callers.release_all() == ["b 2"]
    assert callers.semaphore.waiting == 0
    async with callers.semaphore.slot("c", "1"):
        pass


async def test_the_longest_wait_is_known() -> None:
    semaphore = FairSemaphore(ONE)
    async with all_taken(semaphore):
        callers = Callers(semaphore)
        await callers.acquire("a 1")
        await asyncio.sleep(0.02)
        assert semaphore.held == 1 and semaphore.oldest_seconds() >= 0.02
    await callers.release_all()
    assert (semaphore.held, semaphore.oldest_seconds()) == (0, 0)
