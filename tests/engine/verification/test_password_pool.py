"""Few passwords are hashed at the same time, and a flood is refused."""

import asyncio
import threading

import pytest

from koine.engine.verification.password_pool import PasswordPool
from koine.model.errors import Unavailable


async def test_no_more_than_allowed_run_at_once() -> None:
    hashing, running, most = PasswordPool(max_concurrent=2), 0, 0
    lock, both = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait(5)
        with lock:
            running -= 1

    await asyncio.gather(*(hashing.run(work) for _ in range(8)))
    assert most == 2


async def test_requests_beyond_the_queue_are_refused_until_it_is_shorter() -> None:
    hashing, go = PasswordPool(max_concurrent=1, max_queued=3), threading.Event()
    waiting = [asyncio.ensure_future(hashing.run(go.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await hashing.run(go.wait, 5)
    go.set()
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert await hashing.run(lambda: 1) == 1
