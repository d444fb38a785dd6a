"""The metrics and the access log of requests: what they contain, and what they never do."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from koine.kit import metrics
from koine.kit.logs import configure
from tests.http.example_dialect import app, client

TOKEN = "a-token-of-enough-length"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)
    root, out = logging.getLogger(), io.StringIO()
    before = (root.level, root.handlers[:])
    configure("info", True, out)
    yield out
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


async def ask(method: str, path: str, token: str = "", **settings: object) -> Any:
    headers = {"Authorization": f"Bearer {token or 'me'}", "X-Request-Id": "r-1"}
    async with client(app(**settings), headers) as web:
        return await web.request(method, path)


def counted(**labels: str) -> float:
    return metrics.REGISTRY.get_sample_value("koine_request_seconds_count", labels) or 0.0


async def test_the_access_log_has_the_route_and_not_the_path(log: io.StringIO) -> None:
    await ask("DELETE", "/tiny/things/a-secret", access_log=True)
    line = json.loads(log.getvalue())
    assert line.pop("ms") > 0
    fields = {k: line[k] for k in ("event", "method", "route", "status", "request_id", "dialect")}
    assert list(fields.values()) == [
        "request", "DELETE", "/tiny/things/{id}", 204, "r-1", "tiny",
    ]  # fmt: skip
    assert (line["tenant"], line["address"]) == ("t1", "127.0.0.1")
    assert "a-secret" not in log.getvalue()


async def test_the_access_log_is_off(log: io.StringIO) -> None:
    await ask("DELETE", "/tiny/things/1")
    assert log.getvalue() == ""


async def test_a_path_that_is_no_route_is_not_logged(log: io.StringIO) -> None:
    await ask("GET", "/tiny/nowhere/a-secret", access_log=True)
    line = json.loads(log.getvalue())
    assert (line["route"], line["status"]) == ("", 404)
    assert "a-secret" not in log.getvalue()


async def test_a_line_logged_in_a_request_has_its_id(log: io.StringIO) -> None:
    await ask("GET", "/tiny/crash")
    line = json.loads(log.getvalue())
    assert (line["event"], line["request_id"], line["dialect"]) == (
        "a request crashed",
        "r-1",
        "tiny",
    )


async def test_requests_are_counted_by_route_and_class() -> None:
    labels = {"dialect": "tiny", "method": "GET", "route": "/tiny/things", "status": "2xx"}
    lost = {"dialect": "tiny", "method": "", "route": "", "status": "4xx"}
    before = counted(**labels), counted(**lost)
    await ask("GET", "/tiny/things")
    await ask("GET", "/tiny/nowhere")
    assert (counted(**labels), counted(**lost)) == (before[0] + 1, before[1] + 1)


async def test_an_unavailable_database_is_counted() -> None:
    before = metrics.REGISTRY.get_sample_value("koine_database_unavailable_total") or 0.0
    await ask("GET", "/tiny/busy")
    assert metrics.REGISTRY.get_sample_value("koine_database_unavailable_total") == before + 1


async def test_refusals_by_a_limit_and_credentials_are_counted() -> None:
    def counts() -> list[float]:
        return [
            metrics.REGISTRY.get_sample_value(f"koine_{name}_total", {label: value}) or 0.0
            for name, label, value in (
                ("requests_refused", "limit", "requests"),
                ("requests_refused", "limit", "body_size"),
                ("unauthenticated", "reason", "missing"),
            )
        ]

    before = counts()
    for _ in range(3):
        await ask("GET", "/tiny/limited")
    await ask("GET", "/tiny/things", "another")
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 0, 1]


async def test_metrics_are_closed_without_a_token() -> None:
    assert (await ask("GET", "/metrics")).status_code == 404


@pytest.mark.parametrize("token", ["me", f"{TOKEN}x", TOKEN[:-1]])
async def test_metrics_are_closed_to_another_token(token: str) -> None:
    response = await ask("GET", "/metrics", token, metrics_token=TOKEN)
    assert response.status_code == 401
    assert "koine_" not in response.text


async def test_metrics_are_open_to_their_token() -> None:
    response = await ask("GET", "/metrics", TOKEN, metrics_token=TOKEN)
    assert "koine_request_seconds_count" in response.text
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
