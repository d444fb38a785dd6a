"""Users over HTTP, and who may create and change them."""

import httpx
import pytest

from koine.engine.auth import api_keys
from koine.model.actor import operator
from tests.cast import PASSWORD, Cast
from tests.dialects.native.api_client import list_all


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
