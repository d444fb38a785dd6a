"""Users, contacts, inboxes, responders, deliveries, keys, the tenant and the log over HTTP."""

import httpx
import pytest

from koine.engine.auth import api_keys
from koine.model.actor import Actor, operator
from koine.model.permissions import PERMISSIONS
from tests.cast import PASSWORD, Cast

UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"
INVALID_LINKS = [
    "", "javascript:alert(1)", " JaVaScRiPt:alert(1)", "\x01javascript:x", "data:text/html,x",
    "vbscript:x", "//a.test/x.png", "/etc/x.png", "/files/../x.png", "file:///etc/passwd",
]  # fmt: skip


async def list_all(api: httpx.AsyncClient, path: str, **params: object) -> list[dict[str, object]]:
    """All items of a list, page by page."""
    found: list[dict[str, object]] = []
    query: dict[str, object] = {"limit": 2} | params
    while True:
        page = (await api.get(path, params=query)).json()  # type: ignore[arg-type]  # plain values
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_users_are_listed_page_by_page(api: httpx.AsyncClient, cast: Cast) -> None:
    ids = [user["id"] for user in await list_all(api, "/v1/users")]
    assert ids == [cast.acme.id(n) for n in ("ada", "alice", "dora", "dan", "cleo", "olaf")]


async def test_users_are_found_by_role_and_text(api: httpx.AsyncClient, cast: Cast) -> None:
    found = await list_all(api, "/v1/users", role="driver,agent", search="DAN ")
    assert [user["id"] for user in found] == [cast.acme.id("dan")]


async def test_a_user_is_created_changed_and_removed(api: httpx.AsyncClient) -> None:
    created = await api.post("/v1/users", json={"name": "Eve", "custom_attributes": {"a": 1}})
    assert (created.status_code, created.json()["custom_attributes"]) == (201, {"a": 1})
    path = f"/v1/users/{created.json()['id']}"
    changed = await api.patch(path, json={"role": "agent", "phone": None})
    assert (changed.json()["role"], changed.json()["name"]) == ("agent", "Eve")
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 404


async def test_a_user_with_a_password_may_log_in(api: httpx.AsyncClient, cast: Cast) -> None:
    login = {"email": f"Eve@{cast.acme.tenant.id}.test", "password": PASSWORD}
    created = await api.post("/v1/users", json={"name": "Eve"} | login)
    assert created.status_code == 201
    assert (await api.post("/v1/auth/login", json=login)).status_code == 200


@pytest.mark.parametrize("bad", [{"password": "short"}, {"email": None}])
async def test_a_user_with_an_invalid_login_is_not_created(
    api: httpx.AsyncClient, bad: dict[str, object]
) -> None:
    body = {"name": "Half", "email": "half@made.test", "password": PASSWORD} | bad
    assert (await api.post("/v1/users", json=body)).status_code == 422
    assert await list_all(api, "/v1/users", search="Half") == []


async def test_only_managers_change_users(api: httpx.AsyncClient, cast: Cast) -> None:
    alice = cast.bearer("alice")
    path = f"/v1/users/{cast.acme.id('dan')}"
    assert (await api.patch(path, json={"name": "x"}, headers=alice)).status_code == 403
    assert (await api.post("/v1/users", json={"name": "x"}, headers=alice)).status_code == 403
    assert (await api.delete(path, headers=alice)).status_code == 403


@pytest.mark.parametrize(
    "path", ["users", "contacts", "inboxes", "responders", "deliveries", "conversations", "tickets"]
)
async def test_another_tenants_resource_is_not_found_like_none(
    api: httpx.AsyncClient, cast: Cast, path: str
) -> None:
    rivals = {
        "users": cast.rival.id("dan"),
        "contacts": cast.rival.id("carol"),
        "inboxes": cast.rival.inbox.id,
        "responders": cast.rival.tenant.default_responder_id,
        "deliveries": cast.rival.deliveries[0].id,
    }
    headers = {"X-Request-Id": "one"}
    responses = [
        await api.get(f"/v1/{path}/{name}", headers=headers)
        for name in (rivals.get(path, UNKNOWN_ID), UNKNOWN_ID)
    ]
    assert {(each.status_code, each.content) for each in responses} == {(404, responses[0].content)}
    assert (await api.get(f"/v1/{path}/nonsense", headers=headers)).status_code == 422


async def test_a_contact_is_created_with_its_contact_inbox(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"name": "Zoe", "identifier": "z-1", "inbox_id": cast.acme.inbox.id.upper()}
    created = (await api.post("/v1/contacts", json=body)).json()
    assert created["place"]["inbox_id"] == cast.acme.inbox.id
    assert len(created["place"]["pubsub_token"]) >= 22
    again = (await api.get(f"/v1/contacts/{created['id']}")).json()
    assert (again["identifier"], again["place"]) == ("z-1", None)
    listed = await list_all(api, "/v1/contacts", inbox_id=cast.acme.inbox.id)
    assert [each["name"] for each in listed] == ["Carol Contact", "Dave Contact", "Zoe"]


async def test_an_identifier_belongs_to_one_contact_until_its_removal(
    api: httpx.AsyncClient,
) -> None:
    created = await api.post("/v1/contacts", json={"identifier": "i"})
    taken = await api.post("/v1/contacts", json={"identifier": "i"})
    assert (taken.status_code, taken.json()["reason"]) == (409, "exists")
    await api.delete(f"/v1/contacts/{created.json()['id']}")
    assert (await api.post("/v1/contacts", json={"identifier": "i"})).status_code == 201


async def test_an_inbox_of_another_tenant_takes_no_contact(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    body = {"identifier": "nowhere", "inbox_id": cast.rival.inbox.id}
    assert (await api.post("/v1/contacts", json=body)).status_code == 422
    assert await list_all(api, "/v1/contacts", search="nowhere") == []


async def test_only_managers_see_the_identifier_and_secret_of_an_inbox(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    path = f"/v1/inboxes/{cast.acme.inbox.id}"
    shown = (await api.get(path)).json()
    assert shown["hmac_token"] == cast.acme.inbox.hmac_token
    hidden = (await api.get(path, headers=cast.bearer("alice"))).json()
    assert (hidden["name"], hidden["identifier"], hidden["hmac_token"]) == ("Website", None, None)


async def test_an_inbox_is_created_changed_and_removed(api: httpx.AsyncClient, cast: Cast) -> None:
    settings = {"timezone": "Asia/Jerusalem", "greeting_enabled": True}
    body = {"name": "Mail", "channel_type": "email", "settings": settings}
    created = (await api.post("/v1/inboxes", json=body)).json()
    assert created["settings"] == settings
    path = f"/v1/inboxes/{created['id']}"
    bot = cast.acme.tenant.default_responder_id
    assert (await api.patch(path, json={"responder_id": bot})).json()["responder_id"] == bot
    assert (await api.delete(path)).status_code == 204
    assert [each["name"] for each in await list_all(api, "/v1/inboxes")] == ["Website"]


@pytest.mark.parametrize(
    "settings",
    [
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": 7},
        {"working_hours": [{"day_of_week": 7}]},
        {"working_hours": [{"day_of_week": 1, "open_hour": 24}]},
        {"working_hours": [{"day_of_week": 1}, {"day_of_week": 1}]},
    ],
)
async def test_invalid_inbox_settings_are_refused(api: httpx.AsyncClient, settings: object) -> None:
    response = await api.post("/v1/inboxes", json={"name": "x", "settings": settings})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("settings")


async def test_a_responder_gets_numbered_versions(api: httpx.AsyncClient) -> None:
    body = {"name": "Squad", "kind": "squad", "settings": {"prompt": "1"}}
    created = (await api.post("/v1/responders", json=body)).json()
    path = f"/v1/responders/{created['id']}"
    added = await api.post(f"{path}/versions", json={"settings": {"prompt": "2"}})
    assert (added.status_code, added.json()["number"]) == (201, 2)
    versions = await list_all(api, f"{path}/versions", limit=1)
    assert [each["settings"] for each in versions] == [{"prompt": "1"}, {"prompt": "2"}]
    assert (await api.patch(path, json={"name": "Team"})).json()["name"] == "Team"
    assert [each["name"] for each in await list_all(api, "/v1/responders", kind="squad")] == [
        "Team"
    ]


async def test_a_delivery_is_saved_by_its_reference(api: httpx.AsyncClient, cast: Cast) -> None:
    body = {"external_reference_id": "R-1", "customer_id": cast.acme.id("cleo")}
    created = await api.post("/v1/deliveries", json=body)
    again = await api.post("/v1/deliveries", json=body | {"driver_id": cast.acme.id("dan")})
    assert (created.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == created.json()["id"]
    shown = await api.get(f"/v1/deliveries/{created.json()['id']}")
    assert shown.json()["driver_id"] == cast.acme.id("dan")


async def test_many_deliveries_are_saved_in_order_or_not_at_all(
    api: httpx.AsyncClient, cast: Cast
) -> None:
    cleo = cast.acme.id("cleo")
    many = [{"external_reference_id": f"B-{n}", "customer_id": cleo} for n in range(5)]
    saved = await api.post("/v1/deliveries/bulk", json={"deliveries": many})
    assert [each["external_reference_id"] for each in saved.json()["data"]] == [
        f"B-{n}" for n in range(5)
    ]
    many[3] = {"external_reference_id": "B-new", "customer_id": cast.rival.id("cleo")}
    many[0]["delivery_code"] = "changed"
    refused = await api.post("/v1/deliveries/bulk", json={"deliveries": many})
    assert refused.json()["errors"][0]["field"] == "deliveries.3.customer_id"
    codes = [each["delivery_code"] for each in await list_all(api, "/v1/deliveries")]
    assert (len(codes), "changed" in codes) == (8, False)


@pytest.mark.parametrize("count", [0, 501])
async def test_bulk_takes_1_to_500(api: httpx.AsyncClient, count: int) -> None:
    body = {"deliveries": [{"customer_id": UNKNOWN_ID}] * count}
    assert (await api.post("/v1/deliveries/bulk", json=body)).status_code == 422


@pytest.mark.parametrize("path", ["users", "contacts", "responders"])
async def test_an_avatar_url_is_no_script(api: httpx.AsyncClient, path: str) -> None:
    for link, status in ((None, 201), ("/files/k/1.png", 201), ("https://a.test/1.png", 201)):
        created = await api.post(f"/v1/{path}", json={"name": "Robot", "avatar_url": link})
        assert created.status_code == status
    resource = f"/v1/{path}/{created.json()['id']}"
    for link in INVALID_LINKS:
        new = await api.post(f"/v1/{path}", json={"name": "Robot", "avatar_url": link})
        changed = await api.patch(resource, json={"avatar_url": link})
        for response in (new, changed):
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == "avatar_url"
    assert (await api.get(resource)).json()["avatar_url"] == "https://a.test/1.png"


async def test_an_inbox_avatar_url_is_no_script(api: httpx.AsyncClient) -> None:
    good = {"name": "Site", "settings": {"avatar_url": "https://a.test/1.png"}}
    created = await api.post("/v1/inboxes", json=good)
    assert created.status_code == 201
    resource = f"/v1/inboxes/{created.json()['id']}"
    for link in INVALID_LINKS[1:]:
        body = {"name": "Site", "settings": {"avatar_url": link}}
        for response in (
            await api.post("/v1/inboxes", json=body),
            await api.patch(resource, json=body),
        ):
            assert response.status_code == 422
            assert response.json()["errors"][0]["field"] == "settings.avatar_url"
    assert (await api.get(resource)).json()["settings"] == good["settings"]


async def test_an_invalid_field_of_one_delivery_is_named_without_a_prefix(
    api: httpx.AsyncClient,
) -> None:
    for body in ({"customer_id": "x"}, {"customer_id": UNKNOWN_ID}, {}):
        response = await api.post("/v1/deliveries", json=body)
        assert response.json()["errors"][0]["field"] == "customer_id"


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


@pytest.mark.parametrize("steps", [1, 2])
async def test_an_administrator_cannot_be_demoted_to_take_the_account(
    api: httpx.AsyncClient, cast: Cast, steps: int
) -> None:
    admin, ada = operator(cast.acme.tenant.id), cast.acme.people["ada"]
    manage = frozenset({"manage:tenant"})
    created = await api_keys.create(cast.engine, admin, "k", manage, user_id=cast.acme.id("dan"))
    less: dict[str, object] = {"role": None, "permissions": []}
    new: dict[str, object] = {"password": PASSWORD}
    bodies = [less | new] if steps == 1 else [less, new]
    headers = {"Authorization": f"Bearer {created.text}"}
    responses = [
        await api.patch(f"/v1/users/{ada.id}", json=each, headers=headers) for each in bodies
    ]
    assert [each.status_code for each in responses] == [403] * steps
    login = {"email": ada.email, "password": PASSWORD}
    assert (await api.post("/v1/auth/login", json=login)).status_code == 401


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
