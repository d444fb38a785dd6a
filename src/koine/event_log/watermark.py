"""Which events may be read: those before which nothing can appear any more.

Transactions take positions in the log when they write and commit later, in another order. A reader
that goes by position alone would pass a position whose transaction is still open, and never see
its event (measured: one row in four is missed under load). So it waits: a position is *settled*
when every transaction that could hold it, or one before it, has ended.

A look at the log tells the last position given out. Whoever holds it had begun by then, and has
therefore a number below `next_begun` of any *later* look. When the oldest open transaction is not
below that, all of them have ended. Nothing is written for this, and no writer waits. Where only
one writes at a time, what is seen is settled (`next_begun` is 0).
"""

from collections import deque

from koine.store.events.events import LogSnapshot

_MAX_PENDING = 256
"""How many looks wait at once for their transactions to end; a later one covers the earlier."""


class LogRewound(Exception):
    """The log is shorter than it was: another database is behind the same address."""


class Watermark:
    """Fed with looks, in the order they were taken; tells what is settled."""

    def __init__(self) -> None:
        self.stable = 0
        self._last: int | None = None
        self._pending: deque[tuple[int, int]] = deque()

    def advance(self, snapshot: LogSnapshot) -> int:
        """Take one more look into account; answers the last settled position. Raises WentBack."""
        if snapshot.last < (self._last or 0):
            raise LogRewound
        if snapshot.next_begun == 0:
            self.stable = self._last = snapshot.last
            return self.stable
        if self._has_new_positions() and len(self._pending) < _MAX_PENDING:
            self._pending.append((self._last or 0, snapshot.next_begun))
        self._last = snapshot.last
        while self._pending and self._pending[0][1] <= snapshot.oldest_open:
            self.stable = max(self.stable, self._pending.popleft()[0])
        return self.stable

    @property
    def has_snapshot(self) -> bool:
        """Whether there was a look at all."""
        return self._last is not None

    def _has_new_positions(self) -> bool:
        marked = self._pending[-1][0] if self._pending else self.stable
        return self._last is not None and marked < self._last

    @property
    def has_pending(self) -> bool:
        """Whether positions were given out that are not settled yet."""
        return self._last is not None and self.stable < self._last
