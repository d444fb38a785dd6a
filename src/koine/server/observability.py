"""Metrics on ports of their own, and traces to a collector."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from socketserver import ThreadingMixIn
from threading import Lock, Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client.exposition import make_wsgi_app

from koine.kit import metrics, tracing
from koine.kit.settings import Settings
from koine.server.database import StartupError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_REQUEST_SECONDS = 10
"""Seconds that a collector may take to send its request, and to read on."""


@contextmanager
def open_metrics_listeners(settings: Settings) -> Iterator[list[socket.socket]]:
    """The listening sockets of /metrics, one for each worker; none without `metrics_port`.

    They are opened before the workers, which serve them one after another: a worker that takes the
    place of another needs no port of its own. Raises StartupError.
    """
    if settings.workers > 1 and settings.metrics_token:
        raise StartupError(
            "/metrics on the main port would show a random worker: set KOINE_METRICS_PORT, "
            "from which each worker takes a port, instead of KOINE_METRICS_TOKEN"
        )
    first = settings.metrics_port
    ports = range(first, first + settings.workers) if first else ()
    with ExitStack() as opened:
        yield [opened.enter_context(_listen(settings.metrics_host, port)) for port in ports]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        known = isinstance(error, OSError) and error.errno
        reason = os.strerror(known) if known else str(error)
        raise StartupError(f"cannot serve metrics on {host}:{port}: {reason}") from None
    # A collector that leaves between `select` and `accept` must not block the thread.
    listener.setblocking(False)
    return listener


class MetricsServer:
    """Serves /metrics on a listening socket, in a thread, from `start` until `close`."""

    def __init__(self, listener: socket.socket) -> None:
        self._server = _Server(listener)
        self._thread = Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._lock = Lock()
        self._closed = False

    def start(self) -> None:
        """Start serving, unless it has been closed. Call it once, from any thread."""
        with self._lock:
            if not self._closed:
                self._thread.start()

    def close(self) -> None:
        """Stop serving and close this process's copy of the socket."""
        with self._lock:
            self._closed = True
            if self._thread.is_alive():
                self._server.shutdown()
                self._thread.join()
        self._server.server_close()


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        # As the base class does when it binds, where it would look the host's name up.
        self.server_name, self.server_port = listener.getsockname()[:2]
        self.setup_environ()
        self.set_app(make_wsgi_app(metrics.REGISTRY))


@contextmanager
def serving_metrics(listeners: list[socket.socket]) -> Iterator[None]:
    """Serve /metrics on the first of the sockets, if there is one, while the context is open."""
    server = MetricsServer(listeners[0]) if listeners else None
    if server:
        server.start()
    try:
        yield
    finally:
        if server:
            server.close()


@contextmanager
def sending_traces(settings: Settings) -> Iterator[None]:
    """Send traces, if there is a collector, while the context is open. Raises StartupError."""
    if settings.otel_endpoint or any(os.environ.get(name) for name in _ENDPOINTS):
        try:
            tracing.configure(settings.otel_endpoint)
        except tracing.TracingMissing as error:
            raise StartupError(str(error)) from None
    try:
        yield
    finally:
        tracing.close()
