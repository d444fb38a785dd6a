"""Managing webhooks does not reveal the headers and secrets of others' endpoints."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.native import NativeDialect
from koine.engine.auth import api_keys
from koine.engine.people import directory
from koine.model.identity import NewIdentity
from koine.model.permissions import READ_WEBHOOKS, WRITE_WEBHOOKS
from koine.store.core.db import Database
from tests.cast import http
from tests.support.webhook_receiver import running_receiver
from tests.webhooks.harness import WebhookHarness, webhook_harness

Api = tuple[WebhookHarness, httpx.AsyncClient]
DIALECTS = pytest.mark.parametrize("dialect", ["native", "inbox", "helpdesk"])
TOKEN = {"Authorization": "Bearer of the receiver"}


@pytest.fixture
async def api(empty_db: Database) -> AsyncIterator[Api]:
    async with webhook_harness(empty_db) as harness:
        engine = harness.cast.engine
        async with http(engine, NativeDialect(), HelpdeskDialect(engine.clock)) as client:
            client.headers.update(harness.cast.bearer("ada"))
            yield harness, client


async def webhook_manager(harness: WebhookHarness) -> dict[str, str]:
    """The header of a key that may only manage webhooks."""
    held = frozenset({READ_WEBHOOKS, WRITE_WEBHOOKS})
    user = await directory.create(
        harness.cast.engine, harness.admin, NewIdentity(kind="user", name="Manager")
    )
    created_key = await api_keys.create(
        harness.cast.engine, harness.admin, "clerk", held, user_id=user.id
    )
    return {"Authorization": f"Bearer {created_key.text}"}


async def created_endpoint(api: Api, dialect: str) -> tuple[str, dict[str, Any]]:
    """A new endpoint of Ada's: its path, and the response."""
    harness, client = api
    fields: dict[str, Any] = {
        "url": f"{harness.receiver.url}/ada",
        "headers": TOKEN,
        "name": "Ada's",
    }
    if dialect == "helpdesk":
        fields |= {"events": ["message.sent", "message.received"]}
        endpoint = (await client.post("/api/v1/webhooks", json=fields)).json()["data"]
        return f"/api/v1/webhooks/{endpoint['_id']}", endpoint
    fields |= {"dialect": dialect}
    endpoint = (await client.post("/v1/webhooks", json=fields)).json()
    return f"/v1/webhooks/{endpoint['id']}", endpoint


async def change(api: Api, path: str, **fields: object) -> httpx.Response:
    headers: Any = fields.pop("who", None)
    method = "PUT" if "/api/" in path else "PATCH"
    return await api[1].request(method, path, json=fields, headers=headers)


@DIALECTS
async def test_a_key_for_webhooks_only_cannot_redirect_an_admins_endpoint(
    api: Api, dialect: str
) -> None:
    path, endpoint = await created_endpoint(api, dialect)
    who, harness = await webhook_manager(api[0]), api[0]
    attempts: list[dict[str, object]]
    attempts = [{"url": "https://evil.example/"}, {"headers": {}}, {"name": "Mine"}]
    for fields in attempts:
        assert (await change(api, path, **fields, who=who)).status_code == 403
    if dialect != "helpdesk":
        rotated = await api[1].post(f"{path}/rotate", json={}, headers=who)
        assert rotated.status_code == 403
    assert (await change(api, path, name=endpoint["name"], url=endpoint["url"], who=who)).is_success
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert {got.headers["authorization"] for got in harness.receiver.requests} == set(
        TOKEN.values()
    )


@DIALECTS
async def test_a_new_origin_is_sent_neither_headers_nor_secret(api: Api, dialect: str) -> None:
    path, endpoint = await created_endpoint(api, dialect)
    harness = api[0]
    async with running_receiver() as other:
        changed = (await change(api, path, url=f"{other.url}/new")).json()
        changed = changed.get("data", changed)
        assert changed["secret"].startswith("whsec_") and changed["secret"] != endpoint["secret"]
        await harness.send_message(await harness.create_conversation())
        await harness.plan_and_send()
    assert other.requests and not harness.receiver.requests
    for got in other.requests:
        assert "authorization" not in got.headers
        assert len(got.headers["webhook-signature"].split()) == 1


@DIALECTS
async def test_headers_and_secret_given_with_a_new_origin_are_used(api: Api, dialect: str) -> None:
    path, endpoint = await created_endpoint(api, dialect)
    harness = api[0]
    async with running_receiver() as other:
        fields = {"url": f"{other.url}/new", "headers": TOKEN, "secret": endpoint["secret"]}
        changed = (await change(api, path, **fields)).json()
        assert "secret" not in changed.get("data", changed)
        await harness.send_message(await harness.create_conversation())
        await harness.plan_and_send()
    assert {got.headers["authorization"] for got in other.requests} == set(TOKEN.values())


@DIALECTS
async def test_another_path_keeps_headers_and_secret(api: Api, dialect: str) -> None:
    path, _ = await created_endpoint(api, dialect)
    harness = api[0]
    changed = (await change(api, path, url=f"{harness.receiver.url}/other")).json()
    assert "secret" not in changed.get("data", changed)
    await harness.send_message(await harness.create_conversation())
    await harness.plan_and_send()
    assert {got.headers["authorization"] for got in harness.receiver.requests} == set(
        TOKEN.values()
    )


@pytest.mark.parametrize("secret", ["", "sesame", "whsec_", "whsec_AAAA", "whsec_ä"])
async def test_no_secret_but_one_of_standard_webhooks(api: Api, secret: str) -> None:
    path, _ = await created_endpoint(api, "native")
    refused = await change(api, path, secret=secret)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "secret")


@DIALECTS
async def test_one_part_of_a_policy_leaves_the_other(api: Api, dialect: str) -> None:
    path, _ = await created_endpoint(api, dialect)
    policy, grows, often = (
        ("retryPolicy", "backoffStrategy", "maxRetries")
        if dialect == "helpdesk"
        else ("retry_policy", "backoff", "max_retries")
    )
    await change(api, path, **{policy: {often: 2, grows: "linear"}})
    for value, after in (
        ({often: 5}, (5, "linear")),
        ({grows: "exponential"}, (5, "exponential")),
    ):
        shown = (await change(api, path, **{policy: value})).json()
        found = shown.get("data", shown)[policy]
        assert (found[often], found[grows]) == after
