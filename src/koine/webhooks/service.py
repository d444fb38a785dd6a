"""Webhooks of one process: deliveries are planned from the log, sent, and in the end deleted."""

import asyncio

import structlog

from koine.engine.core.engine import Engine
from koine.event_log.durable_follower import DurableFollower
from koine.kit.times import DAY
from koine.model.errors import Unavailable
from koine.store.webhooks import delivery_log
from koine.store.webhooks.endpoints import PLANNER_CURSOR
from koine.webhooks.dispatcher import Dispatcher
from koine.webhooks.planner import DeliveryPlanner

CLEANUP_SECONDS = 60.0
CLEANUP_BATCH = 1000
_log = structlog.get_logger("koine.webhooks")


class WebhookService:
    """One in each process. `planner` follows the event log; `run` plans, sends and deletes."""

    def __init__(self, engine: Engine) -> None:
        self.dispatcher = Dispatcher(engine)
        self.planner = DurableFollower(
            engine.db,
            PLANNER_CURSOR,
            DeliveryPlanner(engine).open_handler,
            on_written=self.dispatcher.wake,
        )
        self._engine = engine

    async def run(self) -> None:
        """Plan, send and delete until cancelled; requests under way are then ended first."""
        async with asyncio.TaskGroup() as group:
            for work in (self.planner.run(), self.dispatcher.run(), self._cleanup_loop()):
                group.create_task(work)

    async def delete_old(self) -> None:
        """Delete deliveries that are older than the setting says. Raises Unavailable."""
        engine = self._engine
        now = engine.clock.now()
        before = now - engine.settings.webhook_keep_days * DAY
        for key in await engine.db.read_long(
            "", delivery_log.endpoints_with_deliveries_before, before
        ):
            arguments = (key.endpoint_id, before, CLEANUP_BATCH)
            while await engine.db.write(key.tenant_id, delivery_log.delete_before, *arguments):
                pass

    async def _cleanup_loop(self) -> None:
        while True:
            try:
                await self.delete_old()
            except Unavailable:
                pass
            except Exception:
                _log.error("old webhook deliveries could not be deleted", exc_info=True)
            await asyncio.sleep(CLEANUP_SECONDS)
