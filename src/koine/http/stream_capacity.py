"""How many streams and sockets one address and one caller may have open, in this process."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from koine.kit import metrics
from koine.kit.settings import Settings
from koine.model.errors import TooMany

RETRY_SECONDS = 30


class StreamCapacity:
    """Counts by address and by credential. What is taken is given back: `release` it."""

    def __init__(self, settings: Settings) -> None:
        self._most = {
            "address": settings.streams_per_address,
            "credential": settings.streams_per_credential,
        }
        self._open: Counter[str] = Counter()

    def take(self, held: list[str], by: Literal["address", "credential"], who: str) -> None:
        """Count one more of `who`, and note it in `held`. Raises TooMany; "" is not counted."""
        key = f"{by}:{who}"
        most = self._most[by]
        if not most or not who:
            return
        if self._open[key] >= most:
            metrics.STREAMS_REFUSED.labels(by).inc()
            raise TooMany(RETRY_SECONDS)
        self._open[key] += 1
        held.append(key)

    def release(self, held: list[str]) -> None:
        """Give back all that `held` notes."""
        while held:
            key = held.pop()
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    @property
    def counted(self) -> int:
        """How many addresses and callers are remembered: those that have something open."""
        return len(self._open)
