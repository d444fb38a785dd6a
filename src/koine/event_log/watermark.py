"""The watermark: up to which position the log may be read.

The problem: a transaction takes its positions when it writes events, and commits later. So commits
do not come in the order of positions:

    transaction 7 takes position 41        (still open)
    transaction 8 takes position 42        commits
    a reader reads 42 and moves its cursor there
    transaction 7 commits                  41 is behind the cursor: its event is never read

Under load a reader that goes by position alone misses one event in four (measured in
`tests/event_log/test_watermark.py`). A position is *stable* when every transaction that took it or
an earlier one has ended, by commit or rollback. Readers read stable positions only.

Which transactions are these? Writers could say so in a table, but then every write would pay for
the readers, and a writer that died would have to be cleaned up after. The database knows already.
A snapshot of the log (`store.events.events.LogSnapshot`) has three numbers: the `last` position
that was taken, the number of the `oldest_open` transaction, and `next_begun`, a number above those
of all transactions that had begun. Every transaction has its number before it takes a position. So:

1. Take a snapshot A. Its `last` was taken by a transaction that had begun.
2. Take a snapshot B, later. Whatever took a position up to A's `last` is below B's `next_begun`.
   The two numbers must be of two snapshots: one snapshot does not read its own at the same moment,
   and a transaction might begin and take a position in between.
3. Once a snapshot says that `oldest_open` is at least B's `next_begun`, all of those have ended,
   and A's `last` is stable.

A transaction that stays open holds the watermark up, for all readers, until it ends: late is
better than lost. On SQLite only one transaction writes at a time and whatever is seen is stable;
its snapshots have `next_begun` 0.
"""

from collections import deque

from koine.store.events.events import LogSnapshot

_MAX_PENDING = 256
"""Snapshots that are remembered until their transactions have ended. When there are more, positions
wait for a later snapshot, which covers the earlier ones, too."""


class LogRewound(Exception):
    """The log is shorter than before: another database took its place, such as a restored one."""


class Watermark:
    """Fed with snapshots in the order in which they were taken. `stable` is the last stable
    position."""

    def __init__(self) -> None:
        self.stable = 0
        self._last: int | None = None
        self._pending: deque[tuple[int, int]] = deque()  # position, and what it waits for

    def advance(self, snapshot: LogSnapshot) -> int:
        """Take a snapshot into account; returns the last stable position. Raises LogRewound."""
        if snapshot.last < (self._last or 0):
            raise LogRewound
        if snapshot.next_begun == 0:
            self.stable = self._last = snapshot.last
            return self.stable
        if self._has_new_positions() and len(self._pending) < _MAX_PENDING:
            # The previous snapshot's `last` with this one's `next_begun`: step 2 above.
            self._pending.append((self._last or 0, snapshot.next_begun))
        self._last = snapshot.last
        while self._pending and self._pending[0][1] <= snapshot.oldest_open:
            self.stable = max(self.stable, self._pending.popleft()[0])
        return self.stable

    @property
    def has_snapshot(self) -> bool:
        """Whether there was a snapshot at all."""
        return self._last is not None

    def _has_new_positions(self) -> bool:
        marked = self._pending[-1][0] if self._pending else self.stable
        return self._last is not None and marked < self._last

    @property
    def has_pending(self) -> bool:
        """Whether positions were taken that are not stable yet."""
        return self._last is not None and self.stable < self._last
