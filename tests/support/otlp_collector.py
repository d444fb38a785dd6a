"""A collector of traces: an OTLP/HTTP server on a local port."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """The spans and resources that exporters have sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []

    def span(self, name: str) -> Any:
        """The one span of this name."""
        (span,) = [each for each in self.spans if each.name == name]
        return span

    def receive(self, path: str, body: bytes) -> None:
        """Add the spans of one request."""
        assert path == "/v1/traces"
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = {each.key: each.value.string_value for each in part.resource.attributes}
            self.resources.append(attributes)
            self.spans += [span for scope in part.scope_spans for span in scope.spans]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """A collector that listens while the context is open."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.receive(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
