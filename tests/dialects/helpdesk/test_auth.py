"""Credentials, permissions and rate limits (helpdesk.md, "Auth and permissions")."""

from contextlib import AsyncExitStack

import pytest

from koine.engine.auth import api_keys
from koine.kit.times import SECOND
from koine.model.actor import operator
from koine.model.permissions import READ_CONVERSATIONS, WRITE_CONVERSATIONS
from koine.store.core.db import Database
from tests.dialects.helpdesk.conftest import HelpdeskClient, make_client


async def key_of(
    client: HelpdeskClient, *permissions: str, expires_at: int | None = None
) -> api_keys.CreatedApiKey:
    admin = operator(client.acme.tenant.id)
    held = frozenset(permissions)
    alice = client.acme.id("alice")
    return await api_keys.create(
        client.cast.engine, admin, "k", held, user_id=alice, expires_at=expires_at
    )


async def code(client: HelpdeskClient, headers: dict[str, str]) -> tuple[int, str]:
    response = await client.call("GET", headers=headers)
    return response.status_code, response.json()["error"]["code"]


async def test_a_key_is_accepted_in_either_header(helpdesk_client: HelpdeskClient) -> None:
    key = helpdesk_client.acme.key
    for headers in ({"Authorization": f"bearer {key}"}, {"X-API-Key": key}):
        assert (await helpdesk_client.call("GET", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "AUTH_REQUIRED"), ({"Authorization": ""}, "AUTH_REQUIRED"),
        ({"Authorization": "Basic abc"}, "AUTH_INVALID"),
        ({"Authorization": "Bearer"}, "AUTH_INVALID"),
        ({"Authorization": "Bearer a.b.c"}, "AUTH_INVALID"),
        ({"Authorization": "Bearer sk_live_abc"}, "API_KEY_INVALID"),
        ({"X-API-Key": "abc"}, "API_KEY_INVALID"),
    ],
)  # fmt: skip
async def test_an_error_code_says_why_a_credential_was_refused(
    helpdesk_client: HelpdeskClient, headers: dict[str, str], expected: str
) -> None:
    assert await code(helpdesk_client, headers) == (401, expected)


async def test_expired_and_revoked_keys(helpdesk_client: HelpdeskClient) -> None:
    soon = helpdesk_client.cast.clock.now() + SECOND
    old = await key_of(helpdesk_client, READ_CONVERSATIONS, expires_at=soon)
    gone = await key_of(helpdesk_client, READ_CONVERSATIONS)
    await api_keys.revoke(
        helpdesk_client.cast.engine, operator(helpdesk_client.acme.tenant.id), gone.key.id
    )
    helpdesk_client.cast.engine.forget_credentials()
    helpdesk_client.cast.clock.advance(seconds=2)
    assert await code(helpdesk_client, {"X-API-Key": old.text}) == (401, "API_KEY_EXPIRED")
    assert await code(helpdesk_client, {"X-API-Key": gone.text}) == (401, "API_KEY_INVALID")


async def test_an_expired_token(helpdesk_client: HelpdeskClient) -> None:
    token = helpdesk_client.cast.token("alice", ttl_s=1)
    helpdesk_client.cast.clock.advance(seconds=120)
    assert await code(helpdesk_client, {"Authorization": f"Bearer {token}"}) == (
        401,
        "AUTH_EXPIRED",
    )


async def test_a_users_token_works_where_the_role_allows(helpdesk_client: HelpdeskClient) -> None:
    await helpdesk_client.create()
    assert (
        await helpdesk_client.call("GET", headers=helpdesk_client.cast.bearer("alice"))
    ).status_code == 200
    for name in ("dora", "dan", "cleo"):
        assert await code(helpdesk_client, helpdesk_client.cast.bearer(name)) == (403, "FORBIDDEN")


async def test_reading_and_writing_are_two_permissions(helpdesk_client: HelpdeskClient) -> None:
    path = f"/{(await helpdesk_client.create())['_id']}"
    read = {"X-API-Key": helpdesk_client.acme.read_only_key}
    write = {"X-API-Key": (await key_of(helpdesk_client, WRITE_CONVERSATIONS)).text}
    create = {"subject": "s", "inboxId": helpdesk_client.acme.inbox.id}
    calls = [
        ("GET", "", None), ("GET", path, None), ("GET", f"{path}/messages", None),
        ("POST", "", create), ("PUT", path, {"priority": "low"}),
        ("POST", f"{path}/messages", {"text": "hi"}), ("DELETE", path, None),
    ]  # fmt: skip
    got = [
        [(await helpdesk_client.call(m, p, b, headers)).status_code for m, p, b in calls]
        for headers in (read, write)
    ]
    assert got == [[200, 200, 200, 403, 403, 403, 403], [403, 403, 403, 201, 200, 201, 200]]


async def test_a_token_without_a_tenant_is_refused(
    helpdesk_client: HelpdeskClient,
) -> None:
    token = helpdesk_client.cast.engine.signer.sign({"sub": "root", "is_system_admin": True}, 60)
    assert await code(helpdesk_client, {"Authorization": f"Bearer {token}"}) == (403, "FORBIDDEN")


async def test_every_response_has_the_rate_limit_headers(db: Database) -> None:
    async with AsyncExitStack() as stack:
        client = await make_client(db, stack, rate_limit_per_minute=60)
        now = client.cast.clock.now() // SECOND
        first, second = await client.call("GET"), await client.call("GET", status="huge")
        names = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]
        assert [first.headers[name] for name in names] == ["60", "59", str(now + 1)]
        assert [second.headers[name] for name in names] == ["60", "58", str(now + 2)]
        responses = [
            await client.call("GET", headers={}), await client.call("GET", "/api/v1/health"),
            await client.call("GET", "/api/v1/users/nobody"), await client.call("PATCH"),
        ]  # fmt: skip
        assert [each.status_code for each in responses] == [401, 200, 404, 405]
        assert all(name in each.headers for name in names for each in responses)


async def test_over_the_limit_is_a_429_that_says_when(db: Database) -> None:
    async with AsyncExitStack() as stack:
        client = await make_client(db, stack, rate_limit_per_minute=2)
        responses = [await client.call("GET") for _ in range(3)]
        assert [each.status_code for each in responses] == [200, 200, 429]
        error, headers = responses[2].json()["error"], responses[2].headers
        assert (error["code"], error["details"]) == ("RATE_LIMIT_EXCEEDED", {"retryAfter": 30})
        assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("30", "0")
        ada = await client.call("GET", headers=client.cast.bearer("ada"))
        assert ada.status_code == 200


async def test_requests_without_a_credential_are_limited_by_address(db: Database) -> None:
    async with AsyncExitStack() as stack:
        client = await make_client(db, stack, rate_limit_per_minute=1)
        got = [(await client.call("GET", headers={})).status_code for _ in "12"]
        assert got == [401, 429]
