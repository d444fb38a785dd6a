"""Webhooks over the native API: endpoints, test deliveries, the delivery log, replay."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.native import NativeDialect
from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import NewInbox
from koine.store.core.db import Database
from tests.cast import http
from tests.support.webhook_receiver import response
from tests.webhooks.harness import WebhookHarness, webhook_harness

Api = tuple[WebhookHarness, httpx.AsyncClient]


@pytest.fixture
async def api(empty_db: Database) -> AsyncIterator[Api]:
    async with webhook_harness(empty_db) as harness:
        engine = harness.cast.engine
        async with http(engine, NativeDialect(), HelpdeskDialect(engine.clock)) as client:
            client.headers["Authorization"] = f"Bearer {harness.cast.acme.key}"
            yield harness, client


async def create_webhook(api: Api, **fields: object) -> dict[str, Any]:
    harness, client = api
    body = {"url": f"{harness.receiver.url}/hook", "events": ["message.created"]} | fields
    response = await client.post("/v1/webhooks", json=body)
    assert response.status_code == 201, response.text
    shown: dict[str, Any] = response.json()
    return shown


async def test_the_secret_is_shown_once(api: Api) -> None:
    webhook = await create_webhook(api)
    found = (await api[1].get(f"/v1/webhooks/{webhook['id']}")).json()
    (listed,) = (await api[1].get("/v1/webhooks")).json()["data"]
    assert webhook["secret"].startswith("whsec_")
    assert found == listed == {k: v for k, v in webhook.items() if k != "secret"}


async def test_a_webhook_is_changed_disabled_and_removed(api: Api) -> None:
    webhook, client = await create_webhook(api), api[1]
    path = f"/v1/webhooks/{webhook['id']}"
    policy = {"max_retries": 1, "backoff": "linear"}
    changes = {"name": "New", "retry_policy": policy, "events": [], "status": "disabled"}
    changed = (await client.patch(path, json=changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["reason"] == "switched off"
    on = (await client.patch(path, json={"status": "active", "retry_policy": None})).json()
    assert (on["status"], on["reason"], on["retry_policy"]) == ("active", None, None)
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"events": ["nonsense"]}, "events"),
        ({"headers": {"webhook-id": "x"}}, "headers"),
        ({"headers": {"X-Webhook-Signature": "x"}}, "headers"),
        ({"headers": {"x-Chatwoot-delivery": "x"}}, "headers"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers"),
        ({"inbox_id": "00000000-0000-7000-8000-000000000000"}, "inbox_id"),
    ],
)
async def test_an_invalid_webhook_is_refused(api: Api, body: dict[str, object], field: str) -> None:
    response = await api[1].post("/v1/webhooks", json={"url": "https://example.com/"} | body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_a_removed_inbox_may_stay_but_not_be_set_again(api: Api) -> None:
    harness, client = api
    new = NewInbox(name="Short-lived")
    inbox = await inboxes.create(harness.cast.engine, harness.admin, new)
    webhook = await create_webhook(api, inbox_id=inbox.id)
    await inboxes.remove(harness.cast.engine, harness.admin, inbox.id)
    path, body = f"/v1/webhooks/{webhook['id']}", {"inbox_id": inbox.id, "name": "New"}
    changed = await client.patch(path, json=body)
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    moved = await client.patch(path, json={"inbox_id": harness.cast.acme.inbox.id})
    back = await client.patch(path, json={"inbox_id": inbox.id})
    assert (moved.status_code, back.status_code) == (200, 422)


async def test_a_test_delivery_returns_its_result(api: Api) -> None:
    webhook, (harness, client) = await create_webhook(api), api
    good = (await client.post(f"/v1/webhooks/{webhook['id']}/test")).json()
    harness.receiver.respond = lambda _: response(500, body="broken")
    bad = (await client.post(f"/v1/webhooks/{webhook['id']}/test")).json()
    assert (good["delivered"], good["attempt"]["answer"]["status"]) == (True, 200)
    assert (bad["delivered"], bad["attempt"]["answer"]["body"]) == (False, "broken")
    assert b'"type":"ping"' in harness.receiver.requests[0].body


async def test_the_log_shows_request_and_response(api: Api) -> None:
    webhook, (harness, client) = await create_webhook(api, headers={"X-Token": "sesame"}), api
    harness.receiver.respond = lambda _: response(503, body="later")
    await harness.send_message(await harness.create_conversation(), "hello")
    await harness.plan_and_send()
    log = f"/v1/webhooks/{webhook['id']}/deliveries"
    (listed,) = (await client.get(log, params={"state": "pending"})).json()["data"]
    shown = (await client.get(f"{log}/{listed['id']}")).json()
    (tried,) = shown.pop("tries")
    assert shown == listed
    assert (listed["status"], listed["attempts"]) == (503, 1)
    assert tried["answer"]["body"] == "later"
    assert "hello" in tried["request"]["body"]
    assert tried["request"]["headers"]["X-Token"] == "…"
    assert tried["request"]["headers"]["webhook-id"] == listed["id"]
    assert (await client.get(log, params={"state": "failed"})).json()["data"] == []


async def test_bodies_are_shown_to_those_who_may_read_conversations(api: Api) -> None:
    webhook, (harness, client) = await create_webhook(api), api
    await harness.send_message(await harness.create_conversation(), "hello")
    await harness.plan_and_send()
    log = f"/v1/webhooks/{webhook['id']}/deliveries"
    (listed,) = (await client.get(log)).json()["data"]
    body = {"name": "k", "permissions": ["read:webhooks"], "user_id": harness.cast.acme.id("alice")}
    key = (await client.post("/v1/api-keys", json=body, headers=harness.cast.bearer("ada"))).json()
    headers = {"Authorization": f"Bearer {key['secret']}"}
    shown = (await client.get(f"{log}/{listed['id']}", headers=headers)).json()
    assert [tried["request"]["body"] for tried in shown["tries"]] == [None]


async def test_the_log_is_paged(api: Api) -> None:
    webhook, (harness, client) = await create_webhook(api), api
    conversation = await harness.create_conversation()
    for _ in range(5):
        await harness.send_message(conversation)
    await harness.plan()
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"/v1/webhooks/{webhook['id']}/deliveries", params=params)).json()
        seen += [each["id"] for each in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_one_delivery_and_a_range_are_replayed(api: Api) -> None:
    webhook, (harness, client) = await create_webhook(api), api
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    path = f"/v1/webhooks/{webhook['id']}"
    (got,) = harness.receiver.requests
    again = await client.post(f"{path}/deliveries/{got.id}/replay")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    await harness.send_due()
    body = {"since": "2020-01-01T00:00:00Z", "kinds": ["message.created"]}
    assert (await client.post(f"{path}/replay", json=body)).json() == {"queued": 1}
    await harness.send_due()
    assert [each.id for each in harness.receiver.requests] == [got.id] * 3


async def test_a_new_secret_is_shown_once(api: Api) -> None:
    webhook, client = await create_webhook(api), api[1]
    new = (await client.post(f"/v1/webhooks/{webhook['id']}/rotate", json={})).json()
    assert new["secret"] != webhook["secret"]


@pytest.mark.parametrize("dialect", ["native", "helpdesk", "inbox"])
async def test_the_kinds_of_events_are_listed(api: Api, dialect: str) -> None:
    kinds = (await api[1].get("/v1/webhooks/event-kinds", params={"dialect": dialect})).json()
    assert len(kinds["data"]) > 4


async def test_the_helpdesk_creates_tests_and_lists_its_own(api: Api) -> None:
    harness, client = api
    await create_webhook(api)
    body = {"name": "Desk", "url": f"{harness.receiver.url}/desk", "events": ["message.sent"]}
    response = await client.post("/api/v1/webhooks", json=body)
    webhook = response.json()["data"]
    assert (response.status_code, webhook["isActive"]) == (201, True)
    page = (await client.get("/api/v1/webhooks")).json()["data"]
    del webhook["secret"]
    assert page == {"webhooks": [webhook], "total": 1, "page": 1, "limit": 50, "totalPages": 1}
    path = f"/api/v1/webhooks/{webhook['_id']}"
    tested = (await client.post(f"{path}/test")).json()["data"]
    assert (tested["delivered"], tested["responseStatus"]) == (True, 200)
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    for status, count in (("success", 1), ("pending", 0), ("failed", 0)):
        logs = (await client.get(f"{path}/logs", params={"status": status})).json()["data"]
        assert logs["total"] == len(logs["logs"]) == count
    off = (await client.put(path, json={"isActive": False})).json()["data"]
    assert (off["isActive"], off["inactiveReason"]) == (False, "switched off")
    assert (await client.delete(path)).json() == {"success": True, "message": "Webhook deleted"}


async def test_the_helpdesk_does_not_see_other_dialects_endpoints(api: Api) -> None:
    webhook = await create_webhook(api)
    assert (await api[1].get(f"/api/v1/webhooks/{webhook['id']}")).status_code == 404
    assert (await api[1].delete(f"/api/v1/webhooks/{webhook['id']}")).status_code == 404
