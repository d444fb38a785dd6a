"""Login, refresh, logout, passwords, API keys and rate limits."""

from typing import Any

import httpx
import pytest

from koine.dialects.native import NativeDialect
from koine.engine.auth import sessions
from koine.model.actor import operator
from koine.store.core.db import Database
from tests.cast import PASSWORD, Cast, http, make_cast

LOGIN = "/v1/auth/login"


async def email_of(cast: Cast, name: str, company: str = "acme") -> str:
    """The e-mail of a person who can now log in."""
    of = getattr(cast, company)
    await sessions.set_password(cast.engine, operator(of.tenant.id), of.id(name), PASSWORD)
    return str(of.people[name].email)


async def log_in(api: httpx.AsyncClient, cast: Cast, name: str = "ada") -> dict[str, Any]:
    body = {"email": await email_of(cast, name), "password": PASSWORD}
    response = await api.post(LOGIN, json=body)
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_login_returns_tokens_that_authenticate(api: httpx.AsyncClient, cast: Cast) -> None:
    found = await log_in(api, cast)
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 900)
    assert found["tenant_id"] == cast.acme.tenant.id
    me = await api.get("/v1/me", headers=bearer(found["access_token"]))
    assert me.json()["user"]["id"] == cast.acme.id("ada")


async def test_the_email_is_read_in_any_case(api: httpx.AsyncClient, cast: Cast) -> None:
    email = (await email_of(cast, "ada")).upper()
    response = await api.post(LOGIN, json={"email": f" {email} ", "password": PASSWORD})
    assert response.status_code == 200


async def test_a_wrong_password_and_an_unknown_email_answer_alike(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    same = {"X-Request-Id": "one"}
    email = await email_of(cast, "ada")
    wrong = await api.post(LOGIN, json={"email": email, "password": "no"}, headers=same)
    unknown = await api.post(LOGIN, json={"email": "x@y.z", "password": "no"}, headers=same)
    assert (wrong.status_code, wrong.content) == (401, unknown.content)
    assert wrong.json()["type"] == "/problems/unauthenticated"


@pytest.mark.parametrize("tenant_id", ["nonsense", "00000000-0000-7000-8000-000000000000"])
async def test_the_login_of_another_tenant_is_refused(
    api: httpx.AsyncClient, cast: Cast, tenant_id: str
) -> None:
    body = {"email": await email_of(cast, "ada"), "password": PASSWORD, "tenant_id": tenant_id}
    assert (await api.post(LOGIN, json=body)).status_code == 401


async def test_a_login_that_several_tenants_know_needs_the_tenant(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    email = await email_of(cast, "ada")
    change = {"email": email, "password": PASSWORD}
    rival = cast.bearer("ada", "rival")
    twin = await api.patch(f"/v1/users/{cast.rival.id('ada')}", json=change, headers=rival)
    assert twin.status_code == 200
    both = await api.post(LOGIN, json=change)
    assert (both.status_code, both.json()["reason"]) == (409, "tenant")
    one = await api.post(LOGIN, json=change | {"tenant_id": cast.rival.tenant.id})
    assert one.json()["tenant_id"] == cast.rival.tenant.id


async def test_a_refresh_returns_the_next_tokens(api: httpx.AsyncClient, cast: Cast) -> None:
    first = await log_in(api, cast)
    second = await api.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert second.json()["refresh_token"] != first["refresh_token"]
    token = second.json()["access_token"]
    assert (await api.get("/v1/me", headers=bearer(token))).status_code == 200


async def test_a_refresh_token_used_twice_ends_its_session(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    first = await log_in(api, cast)
    old = {"refresh_token": first["refresh_token"]}
    second = (await api.post("/v1/auth/refresh", json=old)).json()
    assert (await api.post("/v1/auth/refresh", json=old)).status_code == 401
    newest = {"refresh_token": second["refresh_token"]}
    assert (await api.post("/v1/auth/refresh", json=newest)).status_code == 401
    cast.clock.advance(seconds=10)
    me = await api.get("/v1/me", headers=bearer(second["access_token"]))
    assert (me.status_code, me.json()["reason"]) == (401, "revoked")


@pytest.mark.parametrize("text", ["x", "a.b.c", "é", "0" * 36 + "." + "0" * 36 + ".x"])
async def test_an_invalid_refresh_token_is_refused(api: httpx.AsyncClient, text: str) -> None:
    response = await api.post("/v1/auth/refresh", json={"refresh_token": text})
    assert response.status_code == 401


async def test_a_logout_ends_the_session_at_once(api: httpx.AsyncClient, cast: Cast) -> None:
    found = await log_in(api, cast)
    headers, body = bearer(found["access_token"]), {"refresh_token": found["refresh_token"]}
    assert (await api.get("/v1/me", headers=headers)).status_code == 200
    assert (await api.post("/v1/auth/logout", json=body)).status_code == 204
    assert (await api.get("/v1/me", headers=headers)).status_code == 401
    assert (await api.post("/v1/auth/refresh", json=body)).status_code == 401
    assert (await api.post("/v1/auth/logout", json=body)).status_code == 204


async def test_an_access_token_expires(api: httpx.AsyncClient, cast: Cast) -> None:
    found = await log_in(api, cast)
    cast.clock.advance(seconds=1000)
    me = await api.get("/v1/me", headers=bearer(found["access_token"]))
    assert (me.status_code, me.json()["reason"]) == (401, "expired")


async def test_logins_are_limited_by_address_and_email(db: Database) -> None:
    cast = await make_cast(db, login_rate_limit_per_minute=2)
    async with http(cast.engine, NativeDialect()) as api:
        attempts = [
            await api.post(LOGIN, json={"email": email, "password": "no"})
            for email in ("a@b.c", "A@b.c ", "a@b.c", "d@e.f")
        ]
    assert [each.status_code for each in attempts] == [401, 401, 429, 401]
    assert attempts[2].headers["retry-after"]


async def test_successful_logins_are_not_limited(db: Database) -> None:
    cast = await make_cast(db, login_rate_limit_per_minute=2)
    async with http(cast.engine, NativeDialect()) as api:
        for _ in range(5):
            await log_in(api, cast)
        body = {"email": await email_of(cast, "ada"), "password": "no"}
        attempts = [(await api.post(LOGIN, json=body)).status_code for _ in range(3)]
    assert attempts == [401, 401, 429]


async def test_an_address_cannot_try_every_email(db: Database) -> None:
    cast = await make_cast(db, login_rate_limit_per_minute=1)
    async with http(cast.engine, NativeDialect()) as api:
        for n in range(11):
            last = await api.post(LOGIN, json={"email": f"{n}@b.c", "password": "no"})
    assert last.status_code == 429


async def test_a_user_changes_its_own_password(api: httpx.AsyncClient, cast: Cast) -> None:
    found = await log_in(api, cast, "olaf")
    headers = bearer(found["access_token"])
    body = {"current_password": PASSWORD, "password": "another long password"}
    assert (await api.put("/v1/me/password", json=body, headers=headers)).status_code == 204
    assert (await api.get("/v1/me", headers=headers)).status_code == 401
    login = {"email": cast.acme.people["olaf"].email, "password": "another long password"}
    assert (await api.post(LOGIN, json=login)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", "another long password", "current_password"), (PASSWORD, "short", "password")],
)
async def test_a_password_is_not_changed_without_the_old_or_to_a_short_one(
    api: httpx.AsyncClient, cast: Cast, current: str, new: str, field: str
) -> None:
    headers = bearer((await log_in(api, cast, "olaf"))["access_token"])
    body = {"current_password": current, "password": new}
    response = await api.put("/v1/me/password", json=body, headers=headers)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field
    assert (await api.get("/v1/me", headers=headers)).status_code == 200


async def test_an_api_key_changes_no_password(api: httpx.AsyncClient, cast: Cast) -> None:
    body = {"current_password": PASSWORD, "password": "another long password"}
    response = await api.put("/v1/me/password", json=body, headers=bearer(cast.acme.key))
    assert response.status_code == 403


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_an_api_key_authenticates_in_either_header(
    api: httpx.AsyncClient, cast: Cast, header: str
) -> None:
    del api.headers["Authorization"]
    key = cast.acme.key
    me = await api.get("/v1/me", headers={header: f"Bearer {key}" if header[0] == "A" else key})
    assert (me.status_code, me.json()["kind"]) == (200, "key")
    assert me.json()["user"]["id"] == cast.acme.id("alice")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"Authorization": "Basic x"}, "invalid"),
        ({"Authorization": "Bearer"}, "invalid"),
        ({"Authorization": "Bearer sk_live_nonsense"}, "invalid"),
        ({"Authorization": "Bearer a.b.c"}, "invalid"),
        ({"X-API-Key": "x"}, "invalid"),
    ],
)
async def test_an_invalid_credential_is_refused(
    api: httpx.AsyncClient, headers: dict[str, str], reason: str
) -> None:
    del api.headers["Authorization"]
    response = await api.get("/v1/me", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (401, reason)
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_system_administrator_names_the_tenant(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    headers = bearer(sessions.system_admin_token(cast.engine, 60))
    assert (await api.get("/v1/me", headers=headers)).status_code == 422
    named = headers | {"X-Tenant-Id": cast.rival.tenant.id}
    me = (await api.get("/v1/me", headers=named)).json()
    assert (me["tenant_id"], me["is_system_admin"]) == (cast.rival.tenant.id, True)


async def test_a_token_is_valid_in_its_tenant_alone(api: httpx.AsyncClient, cast: Cast) -> None:
    response = await api.get("/v1/me", headers={"X-Tenant-Id": cast.rival.tenant.id})
    assert response.status_code == 403


async def test_requests_are_limited_by_credential(db: Database) -> None:
    cast = await make_cast(db, rate_limit_per_minute=2)
    async with http(cast.engine, NativeDialect()) as api:
        responses = [await api.get("/v1/me", headers=cast.bearer("ada")) for _ in range(3)]
    limits = [(each.status_code, each.headers["x-ratelimit-remaining"]) for each in responses]
    assert limits == [(200, "1"), (200, "0"), (429, "0")]


async def test_refreshes_are_limited_by_address(db: Database) -> None:
    cast = await make_cast(db, rate_limit_per_minute=2)
    async with http(cast.engine, NativeDialect()) as api:
        body = {"refresh_token": "nonsense"}
        responses = [await api.post("/v1/auth/refresh", json=body) for _ in range(3)]
    assert [each.status_code for each in responses] == [401, 401, 429]
