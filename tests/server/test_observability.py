"""Metrics on ports of their own, and traces at a collector."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from chaos.http_client import get
from chaos.seed import seed
from chaos.servers import ServerHome, nodes
from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.observability import (
    MetricsServer,
    open_metrics_listeners,
    sending_traces,
    serving_metrics,
)
from tests.support.otlp_collector import running_collector
from tests.support.ports import free_port, free_ports


async def test_a_server_serves_metrics_and_sends_traces(tmp_path: Path) -> None:
    home, port = ServerHome(tmp_path), free_port()
    tenant = await seed(home, 1)
    with running_collector() as collector:
        settings = {"metrics_port": port, "otel_endpoint": collector.url}
        async with nodes(home, settings=settings) as (server,):
            key = {"Authorization": f"Bearer {tenant.key}"}
            assert (await get(server.port, "/api/v1/conversations", key)).status == 200
            shown = (await get(port, "/metrics")).body.decode()
            assert await server.terminate() == 0
    route = 'dialect="helpdesk",method="GET",route="/api/v1/conversations"'
    assert f'koine_request_seconds_count{{{route},status="2xx"}} 1.0' in shown
    assert collector.span("GET /api/v1/conversations").kind == 2
    assert collector.resources[0]["service.name"] == "koine"


def test_metrics_of_several_workers_on_the_main_port_are_refused() -> None:
    token = {"metrics_token": "a-token-of-enough-length", "workers": 2}
    refused = pytest.raises(StartupError, match="KOINE_METRICS_PORT")
    with refused, open_metrics_listeners(load({}, token)):
        pass


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = load({}, {"metrics_port": other.getsockname()[1]})
        refused = pytest.raises(StartupError, match="Address already in use")
        with refused, open_metrics_listeners(taken):
            pass


async def test_each_worker_has_a_port_and_none_is_served_before_its_server_starts() -> None:
    first, second = free_ports(2)
    settings = load({}, {"metrics_port": first, "workers": 2})
    with open_metrics_listeners(settings) as listeners:
        assert [each.getsockname()[1] for each in listeners] == [first, second]
        waiting = asyncio.create_task(get(second, "/metrics"))
        with serving_metrics(listeners):
            assert (await get(first, "/metrics")).status == 200
        assert not waiting.done()
        server = MetricsServer(listeners[1])
        server.start()
        assert b"koine_worker_restarts_total" in (await waiting).body
        server.close()


def test_a_server_that_is_closed_before_it_started_never_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = MetricsServer(listener)
        server.close()
        server.start()
        assert not server._thread.is_alive()


def test_a_port_that_does_not_exist_is_an_error() -> None:
    settings = load({}, {"metrics_port": 65535, "workers": 2})
    with (
        pytest.raises(StartupError, match=r"cannot serve metrics on 127\.0\.0\.1:65536"),
        open_metrics_listeners(settings),
    ):
        pass


def test_traces_without_their_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    wanted = load({}, {"otel_endpoint": "http://127.0.0.1:4318"})
    with pytest.raises(StartupError, match=r"\[otel\]"), sending_traces(wanted):
        pass
