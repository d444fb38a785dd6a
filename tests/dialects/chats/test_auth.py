"""The key of the workspace, and what it may do."""

import pytest

from koine.dialects.chats import ChatsDialect
from koine.engine.auth import api_keys, credentials
from koine.model.actor import operator
from koine.store.core.db import Database
from tests.cast import http, make_cast
from tests.dialects.chats.conftest import ChatsClient

CHATS = "/api/v1/chats"


@pytest.mark.parametrize("spelling", ["{}", "Bearer {}", "bearer  {}"])
async def test_the_key_is_taken_raw_and_as_bearer(world: ChatsClient, spelling: str) -> None:
    answer = await world.get(CHATS, key=spelling.format(world.cast.acme.key))
    assert answer.status_code == 200


@pytest.mark.parametrize("header", [None, "", "  ", "Bearer", "Bearer x", "sk_live_nope", "é"])
async def test_no_key_and_a_wrong_key_are_a_401(world: ChatsClient, header: str | None) -> None:
    sent = {} if header is None else {b"authorization": header.encode()}
    answer = await world.client.get(CHATS, headers=sent)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized."


async def test_a_users_token_is_no_key_even_when_it_is_remembered(world: ChatsClient) -> None:
    token = world.cast.token("ada")
    assert (await world.get(CHATS, key=token)).status_code == 401
    await credentials.by_token(world.cast.engine, token)
    assert (await world.get(CHATS, key=token)).status_code == 401


async def test_a_key_that_reads_does_not_write(world: ChatsClient) -> None:
    key, chat = world.cast.acme.read_only_key, await world.chat()
    assert (await world.get(f"{CHATS}/{chat['id']}", key=key)).status_code == 200
    for method in ("PATCH", "DELETE"):
        answer = await world.send(method, f"{CHATS}/{chat['id']}", {}, key=key)
        assert answer.status_code == 403 and answer.json()["code"] == "FORBIDDEN"


async def test_a_key_that_writes_sees_what_it_wrote_and_lists_nothing(world: ChatsClient) -> None:
    acme = world.cast.acme
    made = await api_keys.create(
        world.cast.engine, operator(acme.tenant.id), "write",
        frozenset({"write:conversations"}), user_id=acme.id("alice"),
    )  # fmt: skip
    chat = await world.chat()
    answer = await world.send("PATCH", f"{CHATS}/{chat['id']}", {"title": "T"}, key=made.text)
    assert answer.status_code == 200 and answer.json()["title"] == "T"
    assert (await world.get(CHATS, key=made.text)).status_code == 403


async def test_a_revoked_key_is_a_401(world: ChatsClient) -> None:
    acme, boss = world.cast.acme, operator(world.cast.acme.tenant.id)
    made = await api_keys.create(
        world.cast.engine, boss, "k", frozenset(), user_id=acme.id("alice")
    )
    await api_keys.revoke(world.cast.engine, boss, made.key.id)
    world.cast.engine.forget_credentials()
    assert (await world.get(CHATS, key=made.text)).status_code == 401


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
