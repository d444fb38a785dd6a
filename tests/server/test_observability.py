"""Metrics on a port of their own, and traces at a collector, from real processes."""

import socket
import sys
from pathlib import Path

import pytest

from chaos.http_client import get
from chaos.seed import seed
from chaos.servers import ServerHome, nodes
from koine.kit.settings import load
from koine.server.database import StartupError
from koine.server.observability import observability
from tests.support.otlp_collector import running_collector
from tests.support.ports import free_port


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
