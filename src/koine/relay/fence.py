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

from koine.store.events import LogSnapshot

_MARKS = 256
"""How many looks wait at once for their transactions to end; a later one covers the earlier."""


class WentBack(Exception):
    """The log is shorter than it was: another database is behind the same address."""


class Fence:
    """Fed with looks, in the order they were taken; tells what is settled."""

    def __init__(self) -> None:
        self.settled = 0
        self._last: int | None = None
        self._marks: deque[tuple[int, int]] = deque()

    def see(self, look: LogSnapshot) -> int:
        """Take one more look into account; answers the last settled position. Raises WentBack."""
        if look.last < (self._last or 0):
            raise WentBack
        if look.next_begun == 0:
            self.settled = self._last = look.last
            return self.settled
        if self._fresh() and len(self._marks) < _MARKS:
            self._marks.append((self._last or 0, look.next_begun))
        self._last = look.last
        while self._marks and self._marks[0][1] <= look.oldest_open:
            self.settled = max(self.settled, self._marks.popleft()[0])
        return self.settled

    @property
    def seen(self) -> bool:
        """Whether there was a look at all."""
        return self._last is not None

    def _fresh(self) -> bool:
        marked = self._marks[-1][0] if self._marks else self.settled
        return self._last is not None and marked < self._last

    @property
    def waits(self) -> bool:
        """Whether positions were given out that are not settled yet."""
        return self._last is not None and self.settled < self._last
