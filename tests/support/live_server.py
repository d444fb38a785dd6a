"""A real server in this process: real sockets on a free port, the relay running."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from msgspec import Struct

from koine.engine.core.context import Engine
from koine.http.app import build_app
from koine.http.dialect import Dialect
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.realtime.bus.protocol import Bus, LocalBus
from koine.realtime.realtime import Realtime
from koine.server.listener import uvicorn_config


class Live(Struct):
    """Where the server is, and what tells there."""

    url: str
    relay: Realtime

    @property
    def ws(self) -> str:
        """The same place for WebSockets."""
        return self.url.replace("http", "ws", 1)


@asynccontextmanager
async def live(engine: Engine, *dialects: Dialect, bus: Bus | None = None) -> AsyncIterator[Live]:
    """Serve these dialects with streams and sockets while the context is open."""
    relay = Realtime(engine, bus or LocalBus(), engine.shutdown_signal)
    await relay.start()
    listener = socket.create_server(("127.0.0.1", 0))
    app = build_app(
        list(dialects),
        engine,
        engine.settings,
        idempotency=DatabaseIdempotencyStore(engine),
        realtime=relay,
    )
    server = uvicorn.Server(uvicorn_config(engine.settings, app, lifespan="off"))
    server.config.timeout_graceful_shutdown = 1
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Live(f"http://127.0.0.1:{listener.getsockname()[1]}", relay)
    finally:
        await relay.close()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        listener.close()
