"""Webhooks of one process: deliveries are derived from the log, sent, and in the end forgotten."""

import asyncio

import structlog

from koine.engine.core.context import Engine
from koine.kit import metrics
from koine.kit.times import DAY, SECOND
from koine.model.errors import Unavailable
from koine.store.webhooks import delivery_log
from koine.webhooks.dispatcher import Dispatcher
from koine.webhooks.planner import DeliveryPlanner

CLEANUP_SECONDS = 60.0
CLEANUP_BATCH = 1000
_RETRY_SECONDS = 0.5
_COALESCE_SECONDS = 0.05
"""The log is gone through this often at most: what is committed meanwhile shares a transaction."""
_log = structlog.get_logger("koine.webhooks")


class WebhookWorker:
    """Made by main with the engine's voices set. `moved` follows the pump; `run` is its task."""

    def __init__(self, engine: Engine) -> None:
        self.sender = Dispatcher(engine)
        self._engine = engine
        self._deriver = DeliveryPlanner(engine)
        self._settled = 0
        self._woken = asyncio.Event()

    def log_advanced(self, settled: int) -> None:
        """The log is settled up to here."""
        self._settled = settled
        self._woken.set()

    async def run(self) -> None:
        """Derive, send and tidy up, for ever; when it is cancelled, posts under way are ended."""
        async with asyncio.TaskGroup() as group:
            for work in (self._plan_loop(), self.sender.run(), self._cleanup_loop()):
                group.create_task(work)

    async def plan(self) -> int:
        """Put in line what is settled; answers how many deliveries are new. Raises Unavailable."""
        found = await self._deriver.plan_until(self._settled, self._engine.clock.now())
        if found:
            self.sender.wake()
        return found

    async def delete_old(self) -> None:
        """Forget what is older than the setting says, and measure what waits. Raises
        Unavailable."""
        engine = self._engine
        now = engine.clock.now()
        before = now - engine.settings.webhook_keep_days * DAY
        for place in await engine.db.read_long(
            "", delivery_log.endpoints_with_deliveries_before, before
        ):
            given = (place.endpoint_id, before, CLEANUP_BATCH)
            while await engine.db.write(place.tenant_id, delivery_log.forget_before, *given):
                pass
        count, oldest = await engine.db.read_long("", delivery_log.pending_count)
        metrics.WEBHOOK_QUEUE.set(count)
        metrics.WEBHOOK_OLDEST.set(0 if oldest is None else max(now - oldest, 0) / SECOND)

    async def _plan_loop(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.plan()
                await asyncio.sleep(_COALESCE_SECONDS)
            except Unavailable:
                self._woken.set()
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                _log.error("webhook deliveries could not be planned", exc_info=True)
                self._woken.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _cleanup_loop(self) -> None:
        while True:
            try:
                await self.delete_old()
            except Unavailable:
                pass
            except Exception:
                _log.error("old webhook deliveries could not be deleted", exc_info=True)
            await asyncio.sleep(CLEANUP_SECONDS)
