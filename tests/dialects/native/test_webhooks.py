"""Webhooks over the native API: set up, tested, told, looked at, told again."""

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
from tests.support.webhook_receiver import answer
from tests.webhooks.harness import WebhookHarness, webhook_harness

Api = tuple[WebhookHarness, httpx.AsyncClient]


@pytest.fixture
async def api(fresh_db: Database) -> AsyncIterator[Api]:
    async with webhook_harness(fresh_db) as told:
        engine = told.cast.engine
        async with http(engine, NativeDialect(), HelpdeskDialect(engine.clock)) as client:
            client.headers["Authorization"] = f"Bearer {told.cast.acme.key}"
            yield told, client


async def create_webhook(api: Api, **given: object) -> dict[str, Any]:
    told, client = api
    body = {"url": f"{told.receiver.url}/hook", "events": ["message.created"]} | given
    reply = await client.post("/v1/webhooks", json=body)
    assert reply.status_code == 201, reply.text
    shown: dict[str, Any] = reply.json()
    return shown


async def test_the_secret_is_shown_once(api: Api) -> None:
    hook = await create_webhook(api)
    found = (await api[1].get(f"/v1/webhooks/{hook['id']}")).json()
    (listed,) = (await api[1].get("/v1/webhooks")).json()["data"]
    assert hook["secret"].startswith("whsec_")
    assert found == listed == {k: v for k, v in hook.items() if k != "secret"}


async def test_it_can_be_changed_switched_off_and_taken_away(api: Api) -> None:
    hook, client = await create_webhook(api), api[1]
    where = f"/v1/webhooks/{hook['id']}"
    policy = {"max_retries": 1, "backoff": "linear"}
    changes = {"name": "New", "retry_policy": policy, "events": [], "status": "disabled"}
    changed = (await client.patch(where, json=changes)).json()
    assert {name: changed[name] for name in changes} == changes
    assert changed["reason"] == "switched off"
    on = (await client.patch(where, json={"status": "active", "retry_policy": None})).json()
    assert (on["status"], on["reason"], on["retry_policy"]) == ("active", None, None)
    assert (await client.delete(where)).status_code == 204
    assert (await client.get(where)).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"events": ["nonsense"]}, "events"),
        ({"headers": {"webhook-id": "x"}}, "headers"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers"),
        ({"inbox_id": "00000000-0000-7000-8000-000000000000"}, "inbox_id"),
    ],
)
async def test_what_cannot_be_is_refused(api: Api, given: dict[str, object], field: str) -> None:
    reply = await api[1].post("/v1/webhooks", json={"url": "https://example.com/"} | given)
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (422, field)


async def test_an_inbox_that_was_removed_is_no_change(api: Api) -> None:
    told, client = api
    new = NewInbox(name="Short-lived")
    inbox = await inboxes.create(told.cast.engine, told.boss, new)
    hook = await create_webhook(api, inbox_id=inbox.id)
    await inboxes.remove(told.cast.engine, told.boss, inbox.id)
    where, given = f"/v1/webhooks/{hook['id']}", {"inbox_id": inbox.id, "name": "New"}
    changed = await client.patch(where, json=given)
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    moved = await client.patch(where, json={"inbox_id": told.cast.acme.inbox.id})
    back = await client.patch(where, json={"inbox_id": inbox.id})
    assert (moved.status_code, back.status_code) == (200, 422)


async def test_a_ping_says_what_came_of_it(api: Api) -> None:
    hook, (told, client) = await create_webhook(api), api
    good = (await client.post(f"/v1/webhooks/{hook['id']}/test")).json()
    told.receiver.answers = lambda _: answer(500, body="broken")
    bad = (await client.post(f"/v1/webhooks/{hook['id']}/test")).json()
    assert (good["delivered"], good["attempt"]["answer"]["status"]) == (True, 200)
    assert (bad["delivered"], bad["attempt"]["answer"]["body"]) == (False, "broken")
    assert b'"type":"ping"' in told.receiver.got[0].body


async def test_the_log_shows_request_and_answer(api: Api) -> None:
    hook, (told, client) = await create_webhook(api, headers={"X-Token": "sesame"}), api
    told.receiver.answers = lambda _: answer(503, body="later")
    await told.say(await told.talk(), "hello")
    await told.tell()
    log = f"/v1/webhooks/{hook['id']}/deliveries"
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


async def test_words_are_for_those_who_may_read_them(api: Api) -> None:
    hook, (told, client) = await create_webhook(api), api
    await told.say(await told.talk(), "hello")
    await told.tell()
    log = f"/v1/webhooks/{hook['id']}/deliveries"
    (listed,) = (await client.get(log)).json()["data"]
    key = {"name": "k", "permissions": ["read:webhooks"], "user_id": told.cast.acme.id("alice")}
    blind = (await client.post("/v1/api-keys", json=key, headers=told.cast.bearer("ada"))).json()
    who = {"Authorization": f"Bearer {blind['secret']}"}
    shown = (await client.get(f"{log}/{listed['id']}", headers=who)).json()
    assert [tried["request"]["body"] for tried in shown["tries"]] == [None]


async def test_the_log_is_read_by_pages(api: Api) -> None:
    hook, (told, client) = await create_webhook(api), api
    talk = await told.talk()
    for _ in range(5):
        await told.say(talk)
    await told.derive()
    seen, cursor = [], None
    while True:
        given = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"/v1/webhooks/{hook['id']}/deliveries", params=given)).json()
        seen += [each["id"] for each in page["data"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_one_and_a_time_are_told_again(api: Api) -> None:
    hook, (told, client) = await create_webhook(api), api
    await told.say(await told.talk())
    await told.tell()
    where = f"/v1/webhooks/{hook['id']}"
    (got,) = told.receiver.got
    again = await client.post(f"{where}/deliveries/{got.id}/replay")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    await told.send()
    given = {"since": "2020-01-01T00:00:00Z", "kinds": ["message.created"]}
    assert (await client.post(f"{where}/replay", json=given)).json() == {"queued": 1}
    await told.send()
    assert [each.id for each in told.receiver.got] == [got.id] * 3


async def test_a_new_secret_is_shown_once(api: Api) -> None:
    hook, client = await create_webhook(api), api[1]
    new = (await client.post(f"/v1/webhooks/{hook['id']}/rotate", json={})).json()
    assert new["secret"] != hook["secret"]


@pytest.mark.parametrize("dialect", ["native", "helpdesk", "inbox"])
async def test_the_kinds_of_events_are_listed(api: Api, dialect: str) -> None:
    kinds = (await api[1].get("/v1/webhooks/event-kinds", params={"dialect": dialect})).json()
    assert len(kinds["data"]) > 4


async def test_the_helpdesk_makes_tests_and_lists_its_own(api: Api) -> None:
    told, client = api
    await create_webhook(api)
    given = {"name": "Desk", "url": f"{told.receiver.url}/desk", "events": ["message.sent"]}
    answered = await client.post("/api/v1/webhooks", json=given)
    hook = answered.json()["data"]
    assert (answered.status_code, hook["isActive"]) == (201, True)
    page = (await client.get("/api/v1/webhooks")).json()["data"]
    del hook["secret"]
    assert page == {"webhooks": [hook], "total": 1, "page": 1, "limit": 50, "totalPages": 1}
    where = f"/api/v1/webhooks/{hook['_id']}"
    tested = (await client.post(f"{where}/test")).json()["data"]
    assert (tested["delivered"], tested["responseStatus"]) == (True, 200)
    await told.say(await told.talk())
    await told.tell()
    for status, count in (("success", 1), ("pending", 0), ("failed", 0)):
        logs = (await client.get(f"{where}/logs", params={"status": status})).json()["data"]
        assert logs["total"] == len(logs["logs"]) == count
    off = (await client.put(where, json={"isActive": False})).json()["data"]
    assert (off["isActive"], off["inactiveReason"]) == (False, "switched off")
    assert (await client.delete(where)).json() == {"success": True, "message": "Webhook deleted"}


async def test_the_helpdesk_does_not_see_other_dialects_endpoints(api: Api) -> None:
    hook = await create_webhook(api)
    assert (await api[1].get(f"/api/v1/webhooks/{hook['id']}")).status_code == 404
    assert (await api[1].delete(f"/api/v1/webhooks/{hook['id']}")).status_code == 404
