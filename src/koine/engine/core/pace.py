"""How fast an export, an import or retention works: as fast as it can on an idle server, and with
pauses while others send messages, so that these do not wait."""

import asyncio
import time

from koine.engine.core.engine import Engine
from koine.store.events import events

_LOOK_SECONDS = 0.5
_BUSY_SECONDS = 3.0


class Pace:
    """Call `rest` after each piece of work. It rests for `share` times as long as the work took
    while there are events of others in the log."""

    def __init__(self, engine: Engine, share: float) -> None:
        self._db = engine.db
        self._share = share
        self._last: int | None = None
        self._looked_at = self._busy_until = 0.0
        self._began = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether others write now."""
        return time.monotonic() < self._busy_until

    async def rest(self, worked: float | None = None) -> None:
        """Pause, perhaps, after so many seconds of work; by default since the last call."""
        if worked is None:
            worked = time.monotonic() - self._began
        await self._look()
        if self.is_busy:
            await asyncio.sleep(worked * self._share)
        self._began = time.monotonic()

    async def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        last = (await self._db.read("", events.log_snapshot)).last
        if self._last not in (None, last):
            self._busy_until = now + _BUSY_SECONDS
        self._last, self._looked_at = last, now
