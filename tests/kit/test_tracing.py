"""Spans: none while tracing is off, otherwise children of the caller's span."""

import subprocess
import sys
import timeit
from collections.abc import Iterator

import pytest

from koine.kit import tracing
from tests.support.otlp_collector import Collector, running_collector

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running_collector() as found:
        tracing.configure(found.url)
        try:
            yield found
        finally:
            tracing.close()


def test_without_tracing_nothing_is_created_or_imported() -> None:
    code = "import sys; from koine.kit import tracing as t\n"
    code += "with t.span('x'): t.set_span_attributes({})\n"
    code += "assert t.current_span() is None and not t.active()\n"
    code += "assert not [m for m in sys.modules if m.startswith('opentelemetry')]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_tracing_a_span_costs_little() -> None:
    def work() -> None:
        with tracing.span("work", messages=1):
            pass

    fastest = min(timeit.repeat(work, number=10_000, repeat=5))
    assert fastest / 10_000 < 3e-6  # measured 0.2 µs; the rest is for a busy machine


def test_the_span_of_a_request_has_its_callers_as_parent(collector: Collector) -> None:
    above = tracing.server_span("GET /x", {"traceparent": PARENT}, {"http.route": "/x"})
    with above, tracing.span("inner", messages=2):
        tracing.set_span_attributes({"tenant": "t1"}, failed=True)
    tracing.close()
    request, inner = collector.span("GET /x"), collector.span("inner")
    assert request.trace_id.hex() == inner.trace_id.hex() == PARENT.split("-")[1]
    assert (request.parent_span_id.hex(), inner.parent_span_id) == (
        PARENT.split("-")[2], request.span_id,
    )  # fmt: skip
    assert {a.key for a in inner.attributes} == {"messages", "tenant"}
    assert inner.status.code == 2


def test_a_call_to_another_server_carries_the_span(collector: Collector) -> None:
    headers: dict[str, str] = {}
    with tracing.server_span("GET /x", {"traceparent": PARENT}, {}):
        tracing.inject(headers)
    assert headers["traceparent"].split("-")[1] == PARENT.split("-")[1]
    assert headers["traceparent"] != PARENT


def test_shared_work_has_links_to_the_waiting_spans(collector: Collector) -> None:
    with tracing.server_span("GET /x", {"traceparent": PARENT}, {}):
        waiting = tracing.current_span()
    with tracing.span("batch", links=[waiting, None]):
        pass
    tracing.close()
    assert [link.span_id for link in collector.span("batch").links] == [
        collector.span("GET /x").span_id
    ]


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-0-0-00", "ü"])
def test_a_bad_traceparent_begins_a_trace(collector: Collector, traceparent: str) -> None:
    with tracing.server_span("GET /x", {"traceparent": traceparent}, {}):
        pass
    tracing.close()
    assert collector.span("GET /x").parent_span_id == b""
