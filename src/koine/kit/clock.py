"""The time, read from a clock that is passed along, so that tests can set it."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the current time is read from."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000


class FakeClock:
    """A clock that only `advance` moves. Starts at 2026-11-20T12:00:00Z."""

    def __init__(self, start: int = 1_795_176_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return self._now

    def advance(self, seconds: float) -> int:
        """Move by `seconds` (backward when negative); return the new time in µs."""
        self._now += round(seconds * 1_000_000)
        return self._now
