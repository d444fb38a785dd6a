"""The moment a process begins to go."""

import asyncio

from koine.kit.shutdown_signal import MAX_RETRY_MS, MIN_RETRY_MS, ShutdownSignal


async def test_whoever_waits_is_woken() -> None:
    draining = ShutdownSignal()
    waiting = [asyncio.create_task(draining.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    draining.start()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_who_comes_late_need_not_wait() -> None:
    draining = ShutdownSignal()
    assert not draining.started
    draining.start()
    draining.start()
    await asyncio.wait_for(draining.wait(), 1)
    assert draining.started


def test_readers_are_spread() -> None:
    delays = [ShutdownSignal().retry_after_ms() for _ in range(500)]
    assert MIN_RETRY_MS <= min(delays) < 3_000
    assert 8_000 < max(delays) <= MAX_RETRY_MS
