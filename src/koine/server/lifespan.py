"""What happens after the commit, in this process: started with the server, ended with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.engine.core.context import Engine
from koine.realtime.bus import factory
from koine.realtime.realtime import Realtime
from koine.webhooks import WebhookWorker


@asynccontextmanager
async def run_realtime(engine: Engine) -> AsyncIterator[Realtime]:
    """The relay of this process, following the log while the context is open."""
    relay = Realtime(engine, factory.create_bus(engine.settings, engine.db), engine.shutdown_signal)
    hooks = WebhookWorker(engine)
    relay.log_reader.followers.append(hooks.planner)
    await relay.start()
    relay.spawn(hooks.run())
    try:
        yield relay
    finally:
        await relay.close()
