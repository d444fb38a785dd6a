"""What follows the event log in a serving process: realtime and webhooks, started and stopped with
it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.engine.core.engine import Engine
from koine.realtime.bus import factory
from koine.realtime.realtime import Realtime
from koine.webhooks import WebhookService


@asynccontextmanager
async def run_followers(engine: Engine) -> AsyncIterator[Realtime]:
    """Run the `Realtime` and the webhooks of this process while the context is open.

    The log reader is part of `Realtime`; the planner of webhooks is one of its followers.
    """
    realtime = Realtime(
        engine, factory.create_bus(engine.settings, engine.db), engine.shutdown_signal
    )
    webhooks = WebhookService(engine)
    realtime.log_reader.followers.append(webhooks.planner)
    realtime.log_reader.progress["webhooks"] = lambda: webhooks.planner.position
    await realtime.start()
    sending = asyncio.create_task(webhooks.run())
    try:
        yield realtime
    finally:
        # The requests of webhooks in flight end while the streams are closed.
        sending.cancel()
        try:
            await realtime.close()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await sending
