"""The signal that the process is shutting down, for everything that would wait for ever."""

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
        """Whether the shutdown has started. It cannot be undone."""
        return self._begun.is_set()

    def start(self) -> None:
        """Start the shutdown and wake all who wait for it. Calling it again does nothing."""
        self._begun.set()

    async def wait(self) -> None:
        """Return when the shutdown starts, or at once if it has."""
        await self._begun.wait()

    def retry_after_ms(self) -> int:
        """Milliseconds after which one client should reconnect: random, so that they spread."""
        return random.randint(MIN_RETRY_MS, MAX_RETRY_MS)
