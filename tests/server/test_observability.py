"""Metrics on a port of their own, and traces at a collector, from real processes."""

import socket
import sys
from pathlib import Path

import httpx
import pytest

from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.observability import observability
from tests.e2e.koine_process import ENV, served
from tests.support.otlp_collector import running_collector
from tests.support.shared_postgres import SharedPostgres


def free_ports(count: int) -> int:
    """The first of so many ports in a row that are free now."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            first = int(probe.getsockname()[1])
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first


def test_a_server_serves_metrics_and_sends_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_ports(1)
    monkeypatch.setitem(ENV, "KOINE_METRICS_PORT", str(port))
    with running_collector() as collector:
        monkeypatch.setitem(ENV, "KOINE_OTEL_ENDPOINT", collector.url)
        with served(tmp_path) as running:
            key = {"Authorization": f"Bearer {running.demo['helpdesk']['api_key']}"}
            assert httpx.get(f"{running.url}/api/v1/conversations", headers=key).is_success
            shown = httpx.get(f"http://127.0.0.1:{port}/metrics").text
            assert running.stop() == 0
    route = 'dialect="helpdesk",method="GET",route="/api/v1/conversations"'
    assert f'koine_request_seconds_count{{{route},status="2xx"}} 1.0' in shown
    assert collector.span("GET /api/v1/conversations").kind == 2
    assert collector.resources[0]["service.name"] == "koine"


def test_each_worker_takes_a_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_postgres: SharedPostgres
) -> None:
    port = free_ports(2)
    monkeypatch.setitem(ENV, "KOINE_METRICS_PORT", str(port))
    url = shared_postgres.new_empty_database()
    with served(tmp_path, "--workers", "2", "--database", url) as running:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as patient:
            for each in (port, port + 1):
                assert patient.get(f"http://127.0.0.1:{each}/metrics").status_code == 200
        assert running.stop() == 0


def test_metrics_of_several_workers_on_the_main_port_are_refused() -> None:
    token = {"metrics_token": "a-token-of-enough-length", "workers": 2}
    with pytest.raises(StartupError, match="KOINE_METRICS_PORT"), observability(load({}, token)):
        pass


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = load({}, {"metrics_port": other.getsockname()[1]})
        with pytest.raises(StartupError, match="Address already in use"), observability(taken):
            pass


def test_traces_without_their_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    wanted = load({}, {"otel_endpoint": "http://127.0.0.1:4318"})
    with pytest.raises(StartupError, match=r"koine\[otel\]"), observability(wanted):
        pass
