"""The background work of a serving process: realtime and webhooks, started and stopped with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.engine.core.engine import Engine
from koine.realtime.bus import factory
from koine.realtime.realtime import Realtime
from koine.webhooks import WebhookService


@asynccontextmanager
async def run_realtime(engine: Engine) -> AsyncIterator[Realtime]:
    """The `Realtime` of this process, which follows the event log while the context is open."""
    bus = factory.create_bus(engine.settings, engine.db)
    realtime = Realtime(engine, bus, engine.shutdown_signal)
    webhooks = WebhookService(engine)
    realtime.log_reader.followers.append(webhooks.planner)
    await realtime.start()
    realtime.spawn(webhooks.run())
    try:
        yield realtime
    finally:
        await realtime.close()
