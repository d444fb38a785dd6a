"""What time it is: asked of a clock that is passed along, so a test can hold it still."""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000


class FakeClock:
    """A clock that stands still until it is told to move. Starts at 2026-11-20T12:00:00Z."""

    def __init__(self, start: int = 1_795_176_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        """Microseconds since the epoch, UTC."""
        return self._now

    def advance(self, seconds: float) -> int:
        """Move forward by `seconds` (backward when negative); answers the new time in µs."""
        self._now += round(seconds * 1_000_000)
        return self._now
