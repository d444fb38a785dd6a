"""Passwords hashed and compared a few at a time.

One argon2 keeps a core and 64 MiB busy: a flood of logins must take neither the memory nor the
threads of everyone else. It queues on threads of its own, and beyond a short queue it is refused.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from koine.model.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

MAX_CONCURRENT = 2
MAX_QUEUED = 32
"""Calls that run or wait; one more is refused."""
RETRY_AFTER = 2
"""Seconds in which the queue is through, about."""


class PasswordPool:
    """The few threads of one process that look at passwords."""

    def __init__(self, at_once: int = MAX_CONCURRENT, most: int = MAX_QUEUED) -> None:
        self._threads = ThreadPoolExecutor(at_once, "passwords")
        self._most = most
        self._busy = 0

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do `work` on one of the threads. Raises Unavailable when too many wait already."""
        if self._busy >= self._most:
            raise Unavailable(RETRY_AFTER)
        self._busy += 1
        try:
            job = self._threads.submit(work, *args, **kwargs)
            return await asyncio.wrap_future(job)
        finally:
            self._busy -= 1
