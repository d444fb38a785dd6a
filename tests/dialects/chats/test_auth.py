"""The API key of the workspace and its permissions."""

import pytest

from koine.dialects.chats import ChatsDialect
from koine.engine.auth import api_keys, credentials
from koine.model.actor import operator
from koine.store.core.db import Database
from tests.cast import http, make_cast
from tests.dialects.chats.conftest import ChatsClient

CHATS = "/api/v1/chats"


@pytest.mark.parametrize("spelling", ["{}", "Bearer {}", "bearer  {}"])
async def test_the_key_is_taken_raw_and_as_bearer(api: ChatsClient, spelling: str) -> None:
    response = await api.get(CHATS, key=spelling.format(api.cast.acme.key))
    assert response.status_code == 200


@pytest.mark.parametrize("header", [None, "", "  ", "Bearer", "Bearer x", "sk_live_nope", "é"])
async def test_no_key_and_a_wrong_key_are_a_401(api: ChatsClient, header: str | None) -> None:
    sent = {} if header is None else {b"authorization": header.encode()}
    response = await api.client.get(CHATS, headers=sent)
    assert response.status_code == 401
    assert response.json()["message"] == "Unauthorized."


async def test_a_users_token_is_no_key_even_when_it_is_cached(
    api: ChatsClient,
) -> None:
    token = api.cast.token("ada")
    assert (await api.get(CHATS, key=token)).status_code == 401
    await credentials.by_token(api.cast.engine, token)
    assert (await api.get(CHATS, key=token)).status_code == 401


async def test_a_key_that_reads_does_not_write(api: ChatsClient) -> None:
    key, chat = api.cast.acme.read_only_key, await api.create_chat()
    assert (await api.get(f"{CHATS}/{chat['id']}", key=key)).status_code == 200
    for method in ("PATCH", "DELETE"):
        response = await api.send(method, f"{CHATS}/{chat['id']}", {}, key=key)
        assert response.status_code == 403 and response.json()["code"] == "FORBIDDEN"


async def test_a_key_that_writes_sees_what_it_wrote_and_lists_nothing(
    api: ChatsClient,
) -> None:
    acme = api.cast.acme
    created = await api_keys.create(
        api.cast.engine, operator(acme.tenant.id), "write",
        frozenset({"write:conversations"}), user_id=acme.id("alice"),
    )  # fmt: skip
    chat = await api.create_chat()
    response = await api.send("PATCH", f"{CHATS}/{chat['id']}", {"title": "T"}, key=created.text)
    assert response.status_code == 200 and response.json()["title"] == "T"
    assert (await api.get(CHATS, key=created.text)).status_code == 403


async def test_a_revoked_key_is_a_401(api: ChatsClient) -> None:
    acme, admin = api.cast.acme, operator(api.cast.acme.tenant.id)
    created = await api_keys.create(
        api.cast.engine, admin, "k", frozenset(), user_id=acme.id("alice")
    )
    await api_keys.revoke(api.cast.engine, admin, created.key.id)
    api.cast.engine.forget_credentials()
    assert (await api.get(CHATS, key=created.text)).status_code == 401


async def test_too_many_calls_are_a_429_in_this_shape(db: Database) -> None:
    cast = await make_cast(db, rate_limit_per_minute=2)
    async with http(cast.engine, ChatsDialect()) as client:
        headers = {"authorization": cast.acme.key}
        first = await client.get(CHATS, headers=headers)
        assert first.headers["x-ratelimit-limit"] == "2"
        assert first.headers["x-ratelimit-remaining"] == "1"
        await client.get(CHATS, headers=headers)
        refused = await client.get(CHATS, headers=headers)
        other = await client.get(CHATS, headers={"authorization": cast.rival.key})
    assert refused.status_code == 429 and refused.json()["code"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) > 0 and other.status_code == 200
