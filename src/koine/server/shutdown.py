"""Graceful shutdown on SIGTERM or Ctrl-C, without an error for any client.

1. Draining: `/readyz` responds 503, streams close with a hint to reconnect, and every response
   closes its connection. Requests are still accepted for `drain_seconds`, so that load balancers
   and clients turn to another process. (After Ctrl-C, where there is no balancer, it is 0 seconds.)
2. New connections are dropped; those that wait in the listener's queue are accepted and served.
3. The server stops: open requests have `grace_seconds` to finish, then the database is closed.

A second signal kills the process.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextvars import Context
from types import FrameType

import structlog
import uvicorn

from koine.http.headers import has
from koine.http.request import Message, Receive, Scope, Send
from koine.kit.shutdown_signal import ShutdownSignal
from koine.server.listener import App, drop_new_connections

_log = structlog.get_logger("koine")

ACCEPT_GRACE_SECONDS = 0.2
"""Seconds for accepting the connections in the listener's queue; and then for the first request
of the connections that were accepted last."""
_CONNECTION_CLOSE = (b"connection", b"close")


class GracefulShutdown:
    """Handles the signals of this process, once it is installed over uvicorn's handlers."""

    def __init__(
        self,
        shutdown_signal: ShutdownSignal,
        drain_seconds: float,
        listener: socket.socket,
        *,
        parent_has_ended: Callable[[], bool] | None = None,
    ) -> None:
        """`parent_has_ended` is given in a worker process. While there is a parent, it drops new
        connections and handles a second signal: terminals and service managers signal the whole
        process group."""
        self._shutdown_signal = shutdown_signal
        self._drain_seconds = drain_seconds
        self._listener = listener
        self._parent_has_ended = parent_has_ended
        self._signal_received = False
        self._task: asyncio.Task[None] | None = None
        self._server: uvicorn.Server | None = None

    def install(self) -> None:
        """Replace the signal handlers; called on the loop, after uvicorn has set its own."""
        handler = signal.getsignal(signal.SIGTERM)
        self._server = getattr(handler, "__self__", None)
        assert isinstance(self._server, uvicorn.Server), "the server handles SIGTERM"
        self._loop = asyncio.get_running_loop()
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._signal_received:
            self._signal_received = True
            self._loop.call_soon_threadsafe(self._start_draining, number, context=Context())
        elif self._parent_has_ended is None:
            os._exit(128 + number)

    def _start_draining(self, number: int) -> None:
        self._shutdown_signal.start()
        seconds = 0 if number == signal.SIGINT else self._drain_seconds
        _log.info("the server is draining", seconds=seconds)
        self._task = self._loop.create_task(self._shut_down(number, seconds))

    async def _shut_down(self, number: int, drain_seconds: float) -> None:
        await asyncio.sleep(drain_seconds)
        if self._parent_has_ended is None or self._parent_has_ended():
            drop_new_connections(self._listener)
        await asyncio.sleep(ACCEPT_GRACE_SECONDS)
        assert self._server is not None
        for socket_ in self._server.servers:
            socket_.close()
        await asyncio.sleep(ACCEPT_GRACE_SECONDS)
        self._server.handle_exit(number, None)


class CloseConnectionMiddleware:
    """An application whose responses close their connections once draining has started."""

    def __init__(self, app: App, shutdown_signal: ShutdownSignal) -> None:
        self._app = app
        self._shutdown_signal = shutdown_signal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if self._shutdown_signal.started:
            send = _close_connection(send)
        await self._app(scope, receive, send)


def _close_connection(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not has(headers, _CONNECTION_CLOSE[0]):
                message["headers"] = [*headers, _CONNECTION_CLOSE]
        await send(message)

    return closing
