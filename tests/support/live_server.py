"""A uvicorn server in this process, on a free port, with running streams."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from msgspec import Struct

from koine.engine.core.engine import Engine
from koine.http.app import build_app
from koine.http.dialect import Dialect
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.realtime.bus.protocol import Bus, LocalBus
from koine.realtime.realtime import Realtime
from koine.server.listener import set_send_limits, uvicorn_config

GRACE_SECONDS = 1.0
"""How long the requests in progress may take when the server stops."""


class Live(Struct):
    """A running server: its URL, and its streams."""

    url: str
    realtime: Realtime

    @property
    def ws(self) -> str:
        """The URL for WebSockets."""
        return self.url.replace("http", "ws", 1)


@asynccontextmanager
async def live(
    engine: Engine,
    *dialects: Dialect,
    bus: Bus | None = None,
    listener: socket.socket | None = None,
) -> AsyncIterator[Live]:
    """Serve these dialects while the context is open, on a free port unless a listener is given."""
    realtime = Realtime(engine, bus or LocalBus(), engine.shutdown_signal)
    await realtime.start()
    listener = listener or socket.create_server(("127.0.0.1", 0))
    set_send_limits(listener)
    app = build_app(
        list(dialects),
        engine,
        engine.settings,
        idempotency=DatabaseIdempotencyStore(engine),
        realtime=realtime,
    )
    server = await start_server(uvicorn_config(engine.settings, app, lifespan="off"), listener)
    try:
        yield Live(f"http://127.0.0.1:{listener.getsockname()[1]}", realtime)
    finally:
        await realtime.close()
        await stop_server(server)


async def start_server(config: uvicorn.Config, listener: socket.socket) -> uvicorn.Server:
    """Serve on `listener`, without uvicorn's own loop: that looks only every 100 ms, several times,
    whether it should end, which is most of what a test of a live server would take."""
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    await server.on_tick(0)
    return server


async def stop_server(server: uvicorn.Server) -> None:
    """Close the listener and the connections; cancel the requests that take longer than that."""
    for each in server.servers:
        each.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_SECONDS):
            while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
    for task in server.server_state.tasks:
        task.cancel()
    for each in server.servers:
        await each.wait_closed()
