"""What happens after the commit, in this process: started with the server, ended with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from koine.engine.engine import Engine
from koine.relay.buses import choose
from koine.relay.hooks import Hooks
from koine.relay.relay import Relay


@asynccontextmanager
async def run_realtime(engine: Engine) -> AsyncIterator[Relay]:
    """The relay of this process, following the log while the context is open."""
    relay = Relay(engine, choose.bus(engine.settings, engine.db), engine.shutdown_signal)
    hooks = Hooks(engine)
    relay.pump.followers.append(hooks.moved)
    await relay.start()
    relay.follow(hooks.run())
    try:
        yield relay
    finally:
        await relay.close()
