"""The writer that coalesces sends: whatever is queued goes in one transaction, one commit.

A sender is answered after the commit, with its own outcome: a message or a refusal, never a
neighbour's (docs/adr/0005).
"""

from koine.engine.sending.send import SendRequest, SendResult, send_batch
from koine.kit import metrics, tracing
from koine.kit.batching import Batcher
from koine.kit.clock import Clock
from koine.model.errors import Refusal, Unavailable
from koine.model.message import Message
from koine.store.core.db import Database

LANES = 2
"""Batches under way at once: while one commits, the next is being written."""
MAX_BATCH = 64
"""Messages in one batch; larger ones gain little and make a poisoned batch dearer to replay."""
MAX_QUEUED = 4096
"""Senders who wait at most: about a second's work. While the database hangs, more are turned away
at once, so that a flood fills neither the memory nor anybody's patience."""


class WriteBatcher:
    """Posts messages, many callers at once. One for each engine."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._batcher = Batcher(
            self._write, max_size=MAX_BATCH, lanes=LANES, replays=_is_of_one_send
        )
        self.answered = 0
        """How many sends have got their outcome since the start."""

    async def send(self, request: SendRequest) -> Message:
        """Write the message; when this returns it is on disk. Raises the post's own Refusal, and
        Unavailable when too many wait. Cancelled while it waits, it is not written."""
        if self._batcher.queued >= MAX_QUEUED:
            raise Unavailable()
        outcome = await self._batcher.add((request, tracing.current_span()))
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _write(self, batch: list[tuple[SendRequest, object | None]]) -> list[SendResult]:
        """Write posts, each with the span that waits for it, if there is one."""
        requests = [request for request, _ in batch]
        with tracing.span("send batch", links=[span for _, span in batch], messages=len(batch)):
            outcomes = await self._db.write_batch(send_batch, self._clock.now(), requests)
        metrics.SEND_BATCH_SIZE.observe(len(batch))
        metrics.SENDS.inc(sum(not isinstance(outcome, Refusal) for outcome in outcomes))
        self.answered += len(batch)
        return outcomes


def _is_of_one_send(error: Exception) -> bool:
    """Whether the database refuses something in the batch, and not the batch: a Refusal says that
    it is down, and is every sender's outcome."""
    return not isinstance(error, Refusal)
