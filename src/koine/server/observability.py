"""Metrics on a port of their own, and traces to a collector."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client.exposition import start_http_server

from koine.kit import metrics, tracing
from koine.kit.settings import Settings
from koine.server.database import StartupError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@contextmanager
def observability(settings: Settings) -> Iterator[None]:
    """Serve metrics and send traces while the context is open. Raises StartupError."""
    if settings.workers > 1 and settings.metrics_token:
        raise StartupError(
            "/metrics on the main port would show a random worker: set KOINE_METRICS_PORT, "
            "from which each worker takes a port, instead of KOINE_METRICS_TOKEN"
        )
    if settings.otel_endpoint or any(os.environ.get(name) for name in _ENDPOINTS):
        try:
            tracing.configure(settings.otel_endpoint)
        except tracing.TracingMissing as error:
            raise StartupError(str(error)) from None
    served = _serve_metrics(settings) if settings.metrics_port else None
    try:
        yield
    finally:
        if served is not None:
            server, thread = served
            server.shutdown()
            server.server_close()
            thread.join()
        tracing.close()


def _serve_metrics(settings: Settings) -> tuple[WSGIServer, Thread]:
    """Serve on the first free one of as many ports as there are workers, in a thread."""
    first = settings.metrics_port
    reason = ""
    for port in range(first, min(first + settings.workers, 65536)):
        try:
            return start_http_server(port, settings.metrics_host, metrics.REGISTRY)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
    raise StartupError(f"cannot serve metrics on {settings.metrics_host}:{first}: {reason}")
