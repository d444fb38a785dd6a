"""The moment a process begins to go."""

import asyncio

from koine.kit.draining import LATEST_MS, SOONEST_MS, Draining


async def test_whoever_waits_is_woken() -> None:
    draining = Draining()
    waiting = [asyncio.create_task(draining.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    draining.begin()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_who_comes_late_need_not_wait() -> None:
    draining = Draining()
    assert not draining.begun
    draining.begin()
    draining.begin()
    await asyncio.wait_for(draining.wait(), 1)
    assert draining.begun


def test_readers_are_spread() -> None:
    told = [Draining().retry_after_ms() for _ in range(500)]
    assert SOONEST_MS <= min(told) < 3_000
    assert 8_000 < max(told) <= LATEST_MS
