"""The batcher of message sends: all that are queued go in one transaction, with one commit.

A commit costs a sync of the disk, which is the most expensive part of a send; many sends share it.
The price is that sends share their fate. So a batch that fails is replayed, each send in a
transaction of its own (`kit.batching`, `replays`): the send at fault gets its own error, and the
others are stored. A caller gets its result after the commit, and never that of another
(docs/adr/0005).

A replay is safe since a failed transaction left nothing behind, and where a commit may have
happened although the connection broke, nothing is replayed: that is `Unavailable`, a Refusal, which
every sender of the batch gets. They retry under their client keys.
"""

from koine.engine.sending.send import SendRequest, SendResult, send_batch
from koine.kit import metrics, tracing
from koine.kit.batching import Batcher
from koine.kit.clock import Clock
from koine.model.errors import Refusal, Unavailable
from koine.model.message import Message
from koine.store.core.db import Database

LANES = 2
"""Batches in progress at the same time: while one commits, the next one is written."""
MAX_BATCH = 64
"""Messages in one batch. Larger batches gain little, and one bad send costs more to replay."""
MAX_QUEUED = 4096
"""Sends in the queue, about a second's work. While the database hangs, further ones are refused at
once: the queue stays bounded, and a client learns early that it must retry."""


class WriteBatcher:
    """Sends messages, for many callers at once. One for each engine."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._batcher = Batcher(
            self._write, max_size=MAX_BATCH, lanes=LANES, replays=_is_of_one_send
        )
        self.completed = 0
        """How many sends got their result since the start."""

    async def send(self, request: SendRequest) -> Message:
        """Send a message; when this returns it is on disk. Raises the Refusal of this request, and
        Unavailable when too many wait. If it is cancelled while it waits, nothing is sent."""
        if self._batcher.queued >= MAX_QUEUED:
            metrics.REQUESTS_REFUSED.labels("sends").inc()
            raise Unavailable()
        outcome = await self._batcher.add((request, tracing.current_span()))
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    @property
    def queued(self) -> int:
        """How many sends wait for their batch."""
        return self._batcher.queued

    def oldest_seconds(self) -> float:
        """For how many seconds the oldest of them has waited; 0 when none waits."""
        return self._batcher.oldest_seconds()

    async def _write(self, batch: list[tuple[SendRequest, object | None]]) -> list[SendResult]:
        """Send a batch. With each request comes the trace span that waits for it, or None."""
        requests = [request for request, _ in batch]
        with tracing.span("send batch", links=[span for _, span in batch], messages=len(batch)):
            outcomes = await self._db.write_batch(send_batch, self._clock.now(), requests)
        metrics.SEND_BATCH_SIZE.observe(len(batch))
        metrics.SENDS.inc(sum(not isinstance(outcome, Refusal) for outcome in outcomes))
        self.completed += len(batch)
        return outcomes


def _is_of_one_send(error: Exception) -> bool:
    """Whether an error of a batch may be due to one send of it, so that the sends are tried one by
    one. A Refusal here is Unavailable: the database is down, and each of them would fail too."""
    return not isinstance(error, Refusal)
