"""The signal that a process shuts down."""

import asyncio

from koine.kit.shutdown_signal import MAX_RETRY_MS, MIN_RETRY_MS, ShutdownSignal


async def test_waiting_tasks_are_woken() -> None:
    shutdown_signal = ShutdownSignal()
    waiting = [asyncio.create_task(shutdown_signal.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    shutdown_signal.start()
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_a_late_task_does_not_wait() -> None:
    shutdown_signal = ShutdownSignal()
    assert not shutdown_signal.started
    shutdown_signal.start()
    shutdown_signal.start()
    await asyncio.wait_for(shutdown_signal.wait(), 1)
    assert shutdown_signal.started


def test_reconnects_are_spread_over_time() -> None:
    delays = [ShutdownSignal().retry_after_ms() for _ in range(500)]
    assert MIN_RETRY_MS <= min(delays) < 3_000
    assert 8_000 < max(delays) <= MAX_RETRY_MS
