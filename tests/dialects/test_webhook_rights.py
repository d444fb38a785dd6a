"""Who may change webhooks does not get at what others' were given, at any dialect's door."""

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
from tests.support.webhook_receiver import receiving
from tests.webhooks.harness import WebhookHarness, webhook_harness

Api = tuple[WebhookHarness, httpx.AsyncClient]
DIALECTS = pytest.mark.parametrize("dialect", ["native", "inbox", "helpdesk"])
TOKEN = {"Authorization": "Bearer of the receiver"}


@pytest.fixture
async def api(fresh_db: Database) -> AsyncIterator[Api]:
    async with webhook_harness(fresh_db) as told:
        engine = told.cast.engine
        async with http(engine, NativeDialect(), HelpdeskDialect(engine.clock)) as client:
            client.headers.update(told.cast.bearer("ada"))
            yield told, client


async def clerk(told: WebhookHarness) -> dict[str, str]:
    """The header of a key that may do nothing but manage webhooks."""
    held = frozenset({READ_WEBHOOKS, WRITE_WEBHOOKS})
    user = await directory.create(
        told.cast.engine, told.boss, NewIdentity(kind="user", name="Clerk")
    )
    made = await api_keys.create(told.cast.engine, told.boss, "clerk", held, user_id=user.id)
    return {"Authorization": f"Bearer {made.text}"}


async def made(api: Api, dialect: str) -> tuple[str, dict[str, Any]]:
    """Ada's endpoint: where it is changed, and what was answered."""
    told, client = api
    given: dict[str, Any] = {"url": f"{told.receiver.url}/ada", "headers": TOKEN, "name": "Ada's"}
    if dialect == "helpdesk":
        given |= {"events": ["message.sent", "message.received"]}
        hook = (await client.post("/api/v1/webhooks", json=given)).json()["data"]
        return f"/api/v1/webhooks/{hook['_id']}", hook
    given |= {"dialect": dialect}
    hook = (await client.post("/v1/webhooks", json=given)).json()
    return f"/v1/webhooks/{hook['id']}", hook


async def change(api: Api, where: str, **given: object) -> httpx.Response:
    headers: Any = given.pop("who", None)
    how = "PUT" if "/api/" in where else "PATCH"
    return await api[1].request(how, where, json=given, headers=headers)


@DIALECTS
async def test_who_may_only_manage_webhooks_turns_no_admins_endpoint(
    api: Api, dialect: str
) -> None:
    where, hook = await made(api, dialect)
    who, told = await clerk(api[0]), api[0]
    attempts: list[dict[str, object]]
    attempts = [{"url": "https://evil.example/"}, {"headers": {}}, {"name": "Mine"}]
    for given in attempts:
        assert (await change(api, where, **given, who=who)).status_code == 403
    if dialect != "helpdesk":
        rotated = await api[1].post(f"{where}/rotate", json={}, headers=who)
        assert rotated.status_code == 403
    assert (await change(api, where, name=hook["name"], url=hook["url"], who=who)).is_success
    await told.say(await told.talk())
    await told.tell()
    assert {got.headers["authorization"] for got in told.receiver.got} == set(TOKEN.values())


@DIALECTS
async def test_a_new_origin_is_sent_neither_headers_nor_secret(api: Api, dialect: str) -> None:
    where, hook = await made(api, dialect)
    told = api[0]
    async with receiving() as other:
        changed = (await change(api, where, url=f"{other.url}/new")).json()
        changed = changed.get("data", changed)
        assert changed["secret"].startswith("whsec_") and changed["secret"] != hook["secret"]
        await told.say(await told.talk())
        await told.tell()
    assert other.got and not told.receiver.got
    for got in other.got:
        assert "authorization" not in got.headers
        assert len(got.headers["webhook-signature"].split()) == 1


@DIALECTS
async def test_what_comes_along_goes_to_the_new_origin(api: Api, dialect: str) -> None:
    where, hook = await made(api, dialect)
    told = api[0]
    async with receiving() as other:
        given = {"url": f"{other.url}/new", "headers": TOKEN, "secret": hook["secret"]}
        changed = (await change(api, where, **given)).json()
        assert "secret" not in changed.get("data", changed)
        await told.say(await told.talk())
        await told.tell()
    assert {got.headers["authorization"] for got in other.got} == set(TOKEN.values())


@DIALECTS
async def test_another_path_keeps_headers_and_secret(api: Api, dialect: str) -> None:
    where, _ = await made(api, dialect)
    told = api[0]
    changed = (await change(api, where, url=f"{told.receiver.url}/other")).json()
    assert "secret" not in changed.get("data", changed)
    await told.say(await told.talk())
    await told.tell()
    assert {got.headers["authorization"] for got in told.receiver.got} == set(TOKEN.values())


@pytest.mark.parametrize("secret", ["", "sesame", "whsec_", "whsec_AAAA", "whsec_ä"])
async def test_no_secret_but_one_of_standard_webhooks(api: Api, secret: str) -> None:
    where, _ = await made(api, "native")
    refused = await change(api, where, secret=secret)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "secret")


@DIALECTS
async def test_one_part_of_a_policy_leaves_the_other(api: Api, dialect: str) -> None:
    where, _ = await made(api, dialect)
    policy, grows, often = (
        ("retryPolicy", "backoffStrategy", "maxRetries")
        if dialect == "helpdesk"
        else ("retry_policy", "backoff", "max_retries")
    )
    await change(api, where, **{policy: {often: 2, grows: "linear"}})
    for given, after in (({often: 5}, (5, "linear")), ({grows: "exponential"}, (5, "exponential"))):
        shown = (await change(api, where, **{policy: given})).json()
        found = shown.get("data", shown)[policy]
        assert (found[often], found[grows]) == after
