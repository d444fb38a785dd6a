"""A few threads on which passwords are hashed and compared.

One argon2 computation uses a core and 64 MiB. On the shared thread pool a flood of logins would use
up memory and threads that other requests need; here it waits in a short queue, and beyond that it
is refused.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from koine.kit import metrics
from koine.kit.daemon_threads import DaemonThreads
from koine.model.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

MAX_CONCURRENT = 2
MAX_QUEUED = 32
"""How many calls run or wait; one more is refused."""
RETRY_AFTER = 2
"""About how many seconds a full queue takes."""


class PasswordPool:
    """The threads of one process that hash passwords."""

    def __init__(self, max_concurrent: int = MAX_CONCURRENT, max_queued: int = MAX_QUEUED) -> None:
        self._threads = DaemonThreads(max_concurrent, "passwords")
        self._max_queued = max_queued
        self._busy = 0

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` on one of the threads. Raises Unavailable when too many wait already."""
        if self._busy >= self._max_queued:
            metrics.REQUESTS_REFUSED.labels("passwords").inc()
            raise Unavailable(RETRY_AFTER)
        self._busy += 1
        try:
            job = self._threads.submit(work, *args, **kwargs)
            return await asyncio.wrap_future(job)
        finally:
            self._busy -= 1
