"""One request is found by its X-Request-Id in events, audit log, webhook deliveries and log."""

import io
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from koine.kit import logs
from koine.store.core.db import Database, Tx
from koine.store.events import events
from tests.cast import http
from tests.support.webhook_receiver import response
from tests.webhooks.harness import WebhookHarness, webhook_harness

Api = tuple[WebhookHarness, httpx.AsyncClient]


@pytest.fixture
async def api(empty_db: Database) -> AsyncIterator[Api]:
    # A client without a socket runs the application in the test's own task: forget other tests'.
    logs.current.set(None)
    async with webhook_harness(empty_db) as harness:
        engine = harness.cast.engine
        async with http(engine, NativeDialect()) as client:
            client.headers.update(harness.cast.bearer("ada"))
            yield harness, client


async def all_events(tx: Tx) -> list[tuple[str, str | None]]:
    found = await events.after(tx, 0, 1 << 40, 1000)
    return [(each.kind, each.request_id) for each in found]


async def test_a_change_has_the_id_of_its_request(api: Api) -> None:
    harness, client = api
    named = {"X-Request-Id": "mine-1"}
    await client.patch("/v1/tenant", json={"name": "Acme 2"}, headers=named)
    found = (await client.get("/v1/audit", params={"request_id": "mine-1"})).json()["data"]
    assert [(e["action"], e["noun"], e["request_id"]) for e in found] == [
        ("change", "tenant", "mine-1")
    ]
    logged = await harness.cast.engine.db.read("", all_events)
    assert logged[-1] == ("tenant.updated", "mine-1")
    # What the fixture did is of no request.
    assert {id_ for _, id_ in logged[:-1]} == {None}


async def test_a_request_without_an_id_is_found_by_that_of_its_response(api: Api) -> None:
    changed = await api[1].patch("/v1/tenant", json={"name": "Acme 3"})
    wanted = {"request_id": changed.headers["X-Request-Id"]}
    assert len((await api[1].get("/v1/audit", params=wanted)).json()["data"]) == 1


async def test_a_message_and_its_webhook_have_the_id_of_the_request(api: Api) -> None:
    harness, client = api
    made = await harness.create_endpoint()
    path = f"/v1/conversations/{(await harness.create_conversation()).id}/messages"
    for name in ("mine-2", "mine-3"):
        sent = await client.post(path, json={"content": "hello"}, headers={"X-Request-Id": name})
        assert sent.status_code == 201
    logged = await harness.cast.engine.db.read("", all_events)
    assert [each for each in logged if each[0] == "message.created"][-2:] == [
        ("message.created", "mine-2"),
        ("message.created", "mine-3"),
    ]
    await harness.plan_and_send()
    deliveries = f"/v1/webhooks/{made.endpoint.id}/deliveries"
    page = (await client.get(deliveries, params={"request_id": "mine-2"})).json()["data"]
    assert [(each["kind"], each["request_id"]) for each in page] == [("message.created", "mine-2")]
    detail = (await client.get(f"{deliveries}/{page[0]['id']}")).json()
    assert detail["request_id"] == "mine-2" and len(detail["tries"]) == 1


async def test_lines_logged_during_an_attempt_have_the_id_of_the_request(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness, client = api
    await harness.create_endpoint()
    path = f"/v1/conversations/{(await harness.create_conversation()).id}/messages"
    await client.post(path, json={"content": "hello"}, headers={"X-Request-Id": "mine-4"})
    out = io.StringIO()
    logs.configure("info", True, out)

    def crash(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("koine.webhooks.attempt.classify", crash)
    harness.receiver.respond = lambda _: response(200)
    await harness.plan_and_send()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["request_id"] for line in lines if "could not be sent" in line["event"]] == [
        "mine-4"
    ]


async def test_lines_logged_in_the_transaction_of_a_request_have_its_id(api: Api) -> None:
    """On SQLite that is another thread."""
    out = io.StringIO()
    logs.configure("info", True, out)

    async def write(tx: Tx) -> str | None:
        return logs.request_id()

    class Named:
        request_id = "mine-5"

        def log_context(self) -> dict[str, str]:
            return {"request_id": self.request_id}

    db = api[0].cast.engine.db
    logs.current.set(None)
    token = logs.current.set(Named())
    try:
        assert await db.write("", write) == await db.read_long("", write) == "mine-5"
    finally:
        logs.current.reset(token)
    assert await db.write("", write) is None
