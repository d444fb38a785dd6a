"""The moment a process begins to go, told to all that would otherwise stay for ever."""

import asyncio
import random

MIN_RETRY_MS = 1_000
MAX_RETRY_MS = 10_000


class ShutdownSignal:
    """Whether this process is about to end. One for each process; used from its event loop.

    Streams and sockets wait for it beside what they wait for anyway, tell their readers to come
    back after `retry_after_ms()` (to another process, most likely), and end.
    """

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    @property
    def started(self) -> bool:
        """Whether it has begun. There is no way back."""
        return self._begun.is_set()

    def start(self) -> None:
        """Begin: everyone who waits is woken. Doing so again does nothing."""
        self._begun.set()

    async def wait(self) -> None:
        """Return when draining begins, at once if it has."""
        await self._begun.wait()

    def retry_after_ms(self) -> int:
        """When one reader should come back, in ms: random, so that not all come at once."""
        return random.randint(MIN_RETRY_MS, MAX_RETRY_MS)
