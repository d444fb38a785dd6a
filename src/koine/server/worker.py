"""What a worker process runs. `workers.Worker` starts it, and is the other end of its pipe."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from threading import Lock, Thread

import structlog
import uvloop

from koine.http.request import Receive, Scope, Send
from koine.kit import metrics
from koine.kit.settings import Settings
from koine.server.listener import Server, uvicorn_config
from koine.server.observability import MetricsServer
from koine.server.serving import (
    START_ERRORS,
    configure_log,
    end_process,
    freeze_gc,
    reason_not_started,
    serving_app,
)
from koine.server.shutdown import CloseConnectionMiddleware, GracefulShutdown

_log = structlog.get_logger("koine")

PING, SERVE_METRICS = b"ping", b"serve metrics"
"""What the parent sends. Only PING is answered."""
SERVING, STARTING = b"serving", b"starting"
"""The answers to PING."""
STOP_SECONDS = 15
"""Seconds a process may take to stop beside the seconds of draining and of open requests."""


def run_worker(
    settings: Settings,
    listener: socket.socket,
    metrics_listener: socket.socket | None,
    pipe: "Connection[bytes, bytes]",
    restarts: int,
    serve_metrics: bool,
) -> None:
    """Serve until the parent says so or has ended; does not return.

    `restarts` is how often workers in this one's place have ended unexpectedly. Without
    `serve_metrics` another process still serves `metrics_listener`, until the parent says so.
    """
    # The parent has blocked Ctrl-C meanwhile. Until the server handles signals they end it at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it is for the parent
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    configure_log(settings)
    metrics.WORKER_RESTARTS.inc(restarts)
    metrics_server = MetricsServer(metrics_listener) if metrics_listener else None
    if metrics_server and serve_metrics:
        metrics_server.start()
    parent = ParentLink(pipe, settings, metrics_server)
    parent.start()
    app = WorkerApp(settings, listener, parent)
    server = Server(uvicorn_config(settings, app, lifespan="on"), parent.on_serving)
    try:
        asyncio.Runner(loop_factory=uvloop.new_event_loop).run(server.serve(sockets=[listener]))
    except SystemExit as failure:  # uvicorn's, when it could not start
        end_process(failure.code if isinstance(failure.code, int) else 1)
    end_process(0)


class ParentLink:
    """A worker's end of the pipe from its parent. When the parent has ended, so does the worker:
    gracefully, and at the latest when a graceful stop should have been done long since."""

    def __init__(
        self,
        pipe: "Connection[bytes, bytes]",
        settings: Settings,
        metrics_server: MetricsServer | None,
    ) -> None:
        self._pipe = pipe
        self._stop_seconds = settings.drain_seconds + settings.grace_seconds + STOP_SECONDS
        self._metrics_server = metrics_server
        self._lock = Lock()
        self._state = STARTING
        self.parent_has_ended = False
        """Whether the parent has ended."""

    def start(self) -> None:
        """Answer the parent, in a thread."""
        Thread(target=self._run, name="parent", daemon=True).start()

    def on_serving(self) -> None:
        """The worker serves: tell the parent, which may find it dead when it asks again."""
        self._state = SERVING
        with suppress(OSError):
            self._answer()

    def _answer(self) -> None:
        with self._lock:
            self._pipe.send_bytes(self._state)

    def _run(self) -> None:
        try:
            while True:
                message = self._pipe.recv_bytes()
                if message == PING:
                    self._answer()
                elif self._metrics_server:
                    self._metrics_server.start()
        except (EOFError, OSError):
            pass  # the kernel has closed the other end
        self.parent_has_ended = True
        _log.error("the parent process has ended: this worker stops")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._stop_seconds)
        os._exit(1)


class WorkerApp:
    """The application of a worker process, which opens its database in the ASGI lifespan."""

    def __init__(self, settings: Settings, listener: socket.socket, parent: ParentLink) -> None:
        self._settings = settings
        self._listener = listener
        self._parent = parent
        self._app: CloseConnectionMiddleware | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as opened:
            try:
                with _ending_at_once():
                    engine, self._app = await opened.enter_async_context(
                        serving_app(self._settings)
                    )
            except START_ERRORS as error:
                reason = f"a worker cannot start: {reason_not_started(error)}"
                await send({"type": "lifespan.startup.failed", "message": reason})
                return
            freeze_gc()
            GracefulShutdown(
                engine.shutdown_signal,
                self._settings.drain_seconds,
                self._listener,
                parent_has_ended=lambda: self._parent.parent_has_ended,
            ).install()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """SIGTERM and Ctrl-C end the process meanwhile: there is nothing to finish yet, and it may wait
    for its database for a minute."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
