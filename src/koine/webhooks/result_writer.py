"""Writes the results of attempts in batches: deliveries, attempts, the health of endpoints.

No `kit.batching.Batcher`: no caller awaits a result of its own. A batch is collected for a while
(nobody waits, so a fuller transaction costs nothing), a later health of an endpoint replaces an
earlier one, and a batch is retried until the database takes it.
"""

import asyncio
from contextvars import Context

import msgspec
import structlog
from msgspec import Struct

from koine.kit import metrics
from koine.kit.clock import Clock
from koine.kit.json import json_text
from koine.model.errors import Unavailable
from koine.model.event import Event
from koine.model.webhook import Attempt, Claim, DisableDecision, EndpointHealth, EndpointKey, Result
from koine.store.core.db import Database, Tx
from koine.store.events import events
from koine.store.webhooks import delivery_queue, endpoints

BATCH_SECONDS = 0.02
"""Seconds for which results wait for others to share their transaction."""
MAX_BATCH = 500
_RETRY_S = 0.5
_log = structlog.get_logger("koine.webhooks")


class Batch(Struct):
    """Results that are written together."""

    results: list[Result] = msgspec.field(default_factory=list)
    tried: list[tuple[str, Attempt]] = msgspec.field(default_factory=list)
    dropped: list[Claim] = msgspec.field(default_factory=list)
    health: dict[EndpointKey, EndpointHealth] = msgspec.field(default_factory=dict)
    disabled: dict[EndpointKey, DisableDecision] = msgspec.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.results) + len(self.dropped) + len(self.health) + len(self.disabled)


class ResultWriter:
    """Takes results and writes them. While the database is unavailable it retries; if the process
    dies, the leases run out and the deliveries are attempted again."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._next = Batch()
        self._writing: asyncio.Task[None] | None = None

    @property
    def batch(self) -> Batch:
        """The batch that is being collected: results are added to it at once."""
        if self._writing is None:
            # A context of its own: it writes the results of many attempts, not of one request.
            self._writing = asyncio.create_task(self._run(), context=Context())
        return self._next

    async def flush(self) -> None:
        """Wait until everything added so far is written."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def _run(self) -> None:
        """Write until there is nothing left."""
        try:
            while True:
                if len(self._next) < MAX_BATCH:
                    await asyncio.sleep(BATCH_SECONDS)
                batch, self._next = self._next, Batch()
                if not len(batch):
                    return
                await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Batch) -> None:
        while True:
            try:
                await self._db.write("", write, batch, self._clock.now())
                break
            except Unavailable:
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # The leases run out, and the deliveries are attempted again.
                _log.error("webhook results could not be written", exc_info=True)
                return
        for result in batch.results:
            if result.state != "pending":
                metrics.WEBHOOK_DELIVERIES.labels(result.state).inc()


async def write(tx: Tx, batch: Batch, now: int) -> None:
    """Write a batch in one transaction. An endpoint that is disabled gets an event in the log."""
    await delivery_queue.record_results(tx, batch.results, batch.tried)
    if batch.dropped:
        await delivery_queue.delete_claimed(tx, batch.dropped)
    if batch.health:
        await endpoints.set_health(tx, batch.health)
    for key, decision in sorted(batch.disabled.items(), key=lambda each: each[0].endpoint_id):
        if await endpoints.disable(tx, key, decision, now):
            body = json_text({"reason": decision.reason})
            event = Event("webhook.disabled", "staff", None, key.endpoint_id, None, body, now)
            await tx.many(*events.append_many([(key.tenant_id, event)]))
