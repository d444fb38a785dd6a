"""How many streams and sockets an address and a caller may have open, in this process."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from koine.kit import metrics
from koine.kit.settings import Settings
from koine.model.errors import TooMany

RETRY_SECONDS = 30


class StreamCapacity:
    """Counts open streams by address and by credential. What was taken must be released."""

    def __init__(self, settings: Settings) -> None:
        self._limits = {
            "address": settings.streams_per_address,
            "credential": settings.streams_per_credential,
        }
        self._open: Counter[str] = Counter()

    def take(self, slots: list[str], by: Literal["address", "credential"], value: str) -> None:
        """Count one more stream of `value`, and add its key to `slots`; "" is not counted. Raises
        TooMany."""
        key = f"{by}:{value}"
        limit = self._limits[by]
        if not limit or not value:
            return
        if self._open[key] >= limit:
            metrics.STREAMS_REFUSED.labels(by).inc()
            raise TooMany(RETRY_SECONDS, limit="streams")
        self._open[key] += 1
        slots.append(key)

    def release(self, slots: list[str]) -> None:
        """Release all of `slots`, and empty the list."""
        while slots:
            key = slots.pop()
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    @property
    def counted(self) -> int:
        """How many addresses and callers have streams open."""
        return len(self._open)
