"""A uvicorn server in this process, on a free port, with running streams."""

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
    """A running server: its URL, and its streams."""

    url: str
    realtime: Realtime

    @property
    def ws(self) -> str:
        """The URL for WebSockets."""
        return self.url.replace("http", "ws", 1)


@asynccontextmanager
async def live(engine: Engine, *dialects: Dialect, bus: Bus | None = None) -> AsyncIterator[Live]:
    """Serve these dialects while the context is open."""
    realtime = Realtime(engine, bus or LocalBus(), engine.shutdown_signal)
    await realtime.start()
    listener = socket.create_server(("127.0.0.1", 0))
    app = build_app(
        list(dialects),
        engine,
        engine.settings,
        idempotency=DatabaseIdempotencyStore(engine),
        realtime=realtime,
    )
    server = uvicorn.Server(uvicorn_config(engine.settings, app, lifespan="off"))
    server.config.timeout_graceful_shutdown = 1
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Live(f"http://127.0.0.1:{listener.getsockname()[1]}", realtime)
    finally:
        await realtime.close()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        listener.close()
