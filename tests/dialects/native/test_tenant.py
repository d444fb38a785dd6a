"""The tenant, its roles, API keys and audit log over HTTP."""

import httpx
import pytest

from koine.engine.auth import api_keys
from koine.model.actor import Actor
from koine.model.permissions import PERMISSIONS
from tests.cast import Cast
from tests.dialects.native.api_client import list_all


async def test_an_api_key_is_shown_once_and_refused_after_its_revocation(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"name": "bot", "permissions": ["read:conversations"]}
    created = (await api.post("/v1/api-keys", json=body)).json()
    headers = {"X-API-Key": created["secret"], "Authorization": ""}
    assert (await api.get("/v1/me", headers=headers)).status_code == 200
    assert "secret" not in (await api.get("/v1/api-keys")).text
    path = f"/v1/api-keys/{created['id']}"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get("/v1/me", headers=headers)).json()["reason"] == "revoked"
    assert (await api.delete(path)).status_code == 404


async def test_an_api_key_has_no_more_permissions_than_its_creator(api: httpx.AsyncClient) -> None:
    body = {"name": "maker", "permissions": ["manage:tenant"]}
    secret = (await api.post("/v1/api-keys", json=body)).json()["secret"]
    more = {"name": "more", "permissions": ["read:conversations"]}
    headers = {"Authorization": f"Bearer {secret}"}
    response = await api.post("/v1/api-keys", json=more, headers=headers)
    assert (response.status_code, response.json()["reason"]) == (403, "read:conversations")


async def test_the_tenant_name_and_settings_are_changed(api: httpx.AsyncClient, cast: Cast) -> None:
    dora = cast.acme.id("dora")
    first = await api.patch(
        "/v1/tenant", json={"name": "Acme 2", "settings": {"support_user_ids": [dora]}}
    )
    assert first.json()["settings"] == {"support_user_ids": [dora], "token_issuer": None}
    issuer = {"algorithm": "HS256", "key": "k" * 40, "issuer": "them", "audience": None}
    second = await api.patch("/v1/tenant", json={"settings": {"token_issuer": issuer}})
    # A reader of a shared secret could sign tokens with it.
    shown = issuer | {"key": None, "jwks_url": None}
    assert second.json()["settings"] == {"support_user_ids": [dora], "token_issuer": shown}
    hidden = (await api.get("/v1/tenant", headers=cast.bearer("alice"))).json()
    assert (hidden["name"], hidden["settings"]) == ("Acme 2", None)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://them.example/.well-known/jwks.json", 200),
        ("http://them.example/jwks", 422),
        ("https://127.0.0.1/jwks", 422),
        ("https://[64:ff9b::a9fe:a9fe]/jwks", 422),
        ("https://user@them.example/jwks", 422),
        ("file:///etc/passwd", 422),
    ],
)
async def test_the_jwks_url_of_an_issuer_is_public_and_https(
    api: httpx.AsyncClient, url: str, status: int
) -> None:
    issuer = {"algorithm": "ES256", "jwks_url": url}
    response = await api.patch("/v1/tenant", json={"settings": {"token_issuer": issuer}})
    assert response.status_code == status
    if status == 200:
        empty = {"key": None, "issuer": None, "audience": None}
        assert response.json()["settings"]["token_issuer"] == issuer | empty


@pytest.mark.parametrize("body", [{"name": None}, {"settings": None}, {"name": " "}])
async def test_a_tenant_keeps_its_name_and_settings(
    api: httpx.AsyncClient, body: dict[str, object]
) -> None:
    before = (await api.get("/v1/tenant")).json()
    assert (await api.patch("/v1/tenant", json=body)).status_code == 422
    assert (await api.patch("/v1/tenant", json={})).json() == before


async def test_roles_are_listed_with_their_permissions(api: httpx.AsyncClient) -> None:
    roles = {
        each["role"]: each["permissions"] for each in (await api.get("/v1/roles")).json()["data"]
    }
    assert set(roles) == {"tenant_admin", "dispatcher", "agent", "driver", None}
    assert roles["driver"] == []


async def test_the_audit_log_is_listed_newest_first(api: httpx.AsyncClient, cast: Cast) -> None:
    await api.patch("/v1/tenant", json={"name": "Acme 2"})
    entries = await list_all(api, "/v1/audit")
    assert (entries[0]["action"], entries[0]["noun"]) == ("change", "tenant")
    assert entries[0]["actor_id"] == cast.acme.id("ada")
    keys = await list_all(api, "/v1/audit", noun="api_key", action="create")
    assert len(keys) == 2
    assert (await api.get("/v1/audit", headers=cast.bearer("alice"))).status_code == 403


async def test_a_forged_address_is_in_no_audit_entry(api: httpx.AsyncClient) -> None:
    forged = {"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    await api.patch("/v1/tenant", json={"name": "Acme 2"}, headers=forged)
    assert (await list_all(api, "/v1/audit"))[0]["address"] == "127.0.0.1"


async def test_an_api_key_of_a_demoted_administrator_creates_no_administrator(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"name": "Eve", "role": "tenant_admin"}
    eve = (await api.post("/v1/users", json=body)).json()
    actor = Actor(cast.acme.tenant.id, "user", eve["id"], "tenant_admin", PERMISSIONS)
    created = await api_keys.create(cast.engine, actor, "k", PERMISSIONS)
    headers = {"Authorization": f"Bearer {created.text}"}
    assert (await api.post("/v1/users", json=body, headers=headers)).status_code == 201
    demoted = await api.patch(f"/v1/users/{eve['id']}", json={"role": "agent"})
    assert demoted.status_code == 200
    assert (await api.post("/v1/users", json=body, headers=headers)).status_code == 403
