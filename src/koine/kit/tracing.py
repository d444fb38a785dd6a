"""Traces: OpenTelemetry spans, when the settings name a collector.

Until `configure` the library is not imported, and every function here does next to nothing, so
that the code says what it does without asking whether anyone watches. W3C trace context in and out.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any

from koine import __version__

Attributes = Mapping[str, str | int | float | bool]

_nothing: AbstractContextManager[None] = nullcontext()


class TracingMissing(Exception):
    """A collector is set, but the OpenTelemetry library is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "traces need a library that is not installed: install Koine's wheel with [otel] after "
            "the name of its file, see docs/install.md"
        )


class _Tracing:
    """The parts of the library that create spans."""

    def __init__(self, endpoint: str) -> None:
        try:
            sdk = import_module("opentelemetry.sdk.trace")
            batches = import_module("opentelemetry.sdk.trace.export")
            otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
            resources = import_module("opentelemetry.sdk.resources")
            self.api = import_module("opentelemetry.trace")
            w3c = import_module("opentelemetry.trace.propagation.tracecontext")
        except ImportError:
            raise TracingMissing from None
        # The variables of OpenTelemetry itself (OTEL_SERVICE_NAME …) win over these names.
        named = resources.OTELResourceDetector().detect().attributes
        about = {"service.name": "koine", "service.version": __version__, **named}
        self.provider = sdk.TracerProvider(resource=resources.Resource(about))
        exporter = otlp.OTLPSpanExporter(**({"endpoint": _traces(endpoint)} if endpoint else {}))
        self.provider.add_span_processor(batches.BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("koine", __version__)
        self.w3c = w3c.TraceContextTextMapPropagator()


_tracing: _Tracing | None = None


def configure(endpoint: str = "") -> None:
    """Send spans to a collector by OTLP over HTTP; `endpoint` is its URL, without /v1/traces.

    Empty is where OTEL_EXPORTER_OTLP_ENDPOINT says. Raises TracingMissing.
    """
    global _tracing
    _tracing = _Tracing(endpoint)


def close() -> None:
    """Send the queued spans, then stop tracing. Blocks."""
    global _tracing
    was, _tracing = _tracing, None
    if was is not None:
        was.provider.shutdown()


def active() -> bool:
    """Whether tracing is configured."""
    return _tracing is not None


def span(
    name: str, /, *, links: Sequence[object] = (), **attributes: str | int | float | bool
) -> AbstractContextManager[None]:
    """A child of the current span for a block of work. `links` are of `current_span`."""
    if _tracing is None:
        return _nothing
    return _span(_tracing, name, attributes, links)


def server_span(
    name: str, headers: Mapping[str, str], attributes: Attributes
) -> AbstractContextManager[None]:
    """A span of a request, a child of the client's span if `headers` have W3C trace context."""
    if _tracing is None:
        return _nothing
    return _serving(_tracing, name, headers, attributes)


def set_span_attributes(attributes: Mapping[str, Any], failed: bool = False) -> None:
    """Add attributes to the current span."""
    if _tracing is None:
        return
    running = _tracing.api.get_current_span()
    running.set_attributes(attributes)
    if failed:
        running.set_status(_tracing.api.StatusCode.ERROR)


def inject(headers: MutableMapping[str, str]) -> None:
    """Put the current span into the headers of an outbound request."""
    if _tracing is not None:
        _tracing.w3c.inject(headers)


def current_span() -> object | None:
    """The current span, for `span(links=…)` of work done for several. None when there is none."""
    if _tracing is None:
        return None
    context = _tracing.api.get_current_span().get_span_context()
    return context if context.is_valid else None


def trace_id() -> str | None:
    """The id of the current trace in 32 hex digits, as traces show it; None when there is none."""
    context: Any = current_span()
    return None if context is None else f"{context.trace_id:032x}"


@contextmanager
def _span(
    parts: _Tracing, name: str, attributes: Attributes, links: Sequence[object]
) -> Iterator[None]:
    linked = [parts.api.Link(each) for each in links if each is not None]
    with parts.tracer.start_as_current_span(name, attributes=attributes, links=linked):
        yield


@contextmanager
def _serving(
    parts: _Tracing, name: str, headers: Mapping[str, str], attributes: Attributes
) -> Iterator[None]:
    above = parts.w3c.extract(headers)
    kind = parts.api.SpanKind.SERVER
    with parts.tracer.start_as_current_span(name, above, kind=kind, attributes=attributes):
        yield


def _traces(endpoint: str) -> str:
    return f"{endpoint.rstrip('/')}/v1/traces"
