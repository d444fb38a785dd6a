"""The client's address in audit entries: the one that a trusted proxy forwards, and no other."""

import io
import json

import httpx
import pytest

from koine.kit import logs
from tests.cast import PASSWORD, Cast
from tests.dialects.native.api_client import list_all
from tests.dialects.native.test_session import email_of

CLIENT = "2001:db8::5"
FORWARDED = {"X-Forwarded-For": "192.0.2.66, 2001:DB8:0::5"}
"""What a proxy makes of a header that its client sent: the client's own address is the last."""


@pytest.fixture
def cast_settings() -> dict[str, object]:
    """The peer of these requests is 127.0.0.1."""
    return {"trusted_proxies": "127.0.0.1", "audit_failed_logins_per_hour": 100}


async def address_of(api: httpx.AsyncClient, action: str) -> object:
    """The address of the newest entry of an action."""
    return (await list_all(api, "/v1/audit", action=action))[0]["address"]


async def test_logins_are_audited_with_the_clients_address(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    api.headers.update(FORWARDED)
    body = {"email": await email_of(cast, "dan"), "password": PASSWORD}
    assert await address_of(api, "set_password") is None, "set at the command line"
    await api.post("/v1/auth/login", json=body | {"password": "wrong"})
    first = (await api.post("/v1/auth/login", json=body)).json()
    second = (await api.post("/v1/auth/login", json=body)).json()
    for _ in range(2):
        await api.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    await api.post("/v1/auth/logout", json={"refresh_token": second["refresh_token"]})
    for action in ("fail_log_in", "log_in", "reuse_refresh_token", "log_out"):
        assert await address_of(api, action) == CLIENT, action


async def test_keys_and_passwords_are_audited_with_the_clients_address(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    api.headers.update(FORWARDED)
    await email_of(cast, "ada")
    key = (await api.post("/v1/api-keys", json={"name": "bot", "permissions": []})).json()
    await api.delete(f"/v1/api-keys/{key['id']}")
    body = {"current_password": PASSWORD, "password": "another long password"}
    assert (await api.put("/v1/me/password", json=body)).status_code == 204
    for action in ("create", "revoke", "set_password"):
        assert await address_of(api, action) == CLIENT, action


async def test_a_failed_login_is_logged_with_the_address_and_without_the_email(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    out = io.StringIO()
    logs.configure("info", json=True, stream=out)
    for email in (await email_of(cast, "dan"), "nobody@nowhere.test"):
        body = {"email": email, "password": "wrong password"}
        await api.post("/v1/auth/login", json=body, headers=FORWARDED)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    failed = [line for line in lines if line["event"] == "a login failed"]
    assert [line["address"] for line in failed] == [CLIENT, CLIENT]
    assert [line.get("user") for line in failed] == [cast.acme.id("dan"), None]
    assert "@" not in out.getvalue() and "wrong password" not in out.getvalue()
