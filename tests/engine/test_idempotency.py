"""Idempotency keys: one first response for a day, in every dialect's scope."""

import asyncio

import pytest

from koine.engine import idempotency
from koine.engine.idempotency import KeyedRequest, KeyReused, StoredResponse
from koine.model.errors import Conflict
from koine.store import idempotency as rows
from tests.cast import Cast

RESPONSE = StoredResponse(201, "[]", b'{"id": 1}')


def keyed(cast: Cast, who: str = "dan", key: str = "k", payload: str = "d") -> KeyedRequest:
    return KeyedRequest.of(cast.acme.actor(who), "POST /v1/things", key, payload)


async def claim(
    cast: Cast, who: str = "dan", payload: str = "d", runner: str = ""
) -> StoredResponse | None:
    return await idempotency.claim(cast.engine, keyed(cast, who, payload=payload), runner)


async def save(cast: Cast) -> None:
    await idempotency.save_many(cast.engine, [(keyed(cast), RESPONSE)])


async def test_of_many_keys_those_that_nobody_used_are_claimed(cast: Cast) -> None:
    requests = [keyed(cast, who, key) for who in ("dan", "alice") for key in ("k", "l")]
    assert await idempotency.claim_many(cast.engine, requests[:1], "me") == [True]
    cast.clock.advance(1)
    claimed = await idempotency.claim_many(cast.engine, requests, "me")
    assert claimed == [False, True, True, True]


async def test_the_first_response_is_replayed(cast: Cast) -> None:
    assert await claim(cast) is None
    await save(cast)
    assert await claim(cast) == RESPONSE


async def test_what_is_stored_cannot_be_read_without_the_key(cast: Cast) -> None:
    await claim(cast)
    await save(cast)
    request = keyed(cast)
    row = await cast.engine.db.read(request.tenant_id, rows.get, request.key_digest)
    assert row is not None
    assert b"id" not in bytes(row.content or b"")
    assert row.request_digest != request.payload


async def test_while_the_first_runs_the_second_conflicts(cast: Cast) -> None:
    outcomes = await asyncio.gather(*(claim(cast) for _ in range(8)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


async def test_another_payload_is_refused(cast: Cast) -> None:
    await claim(cast)
    await save(cast)
    with pytest.raises(KeyReused):
        await claim(cast, payload="other")


async def test_a_key_belongs_to_its_caller(cast: Cast) -> None:
    assert await claim(cast, "dan") is None
    assert await claim(cast, "cleo") is None


async def test_a_key_claimed_by_a_dead_process_becomes_free(cast: Cast) -> None:
    await claim(cast)
    cast.clock.advance(61)
    assert await claim(cast) is None


async def test_a_key_whose_request_ended_in_its_process_is_free_at_once(cast: Cast) -> None:
    await claim(cast, runner="one")
    with pytest.raises(Conflict):
        await claim(cast, runner="two")
    assert await claim(cast, runner="one") is None


async def test_a_key_expires_after_a_day(cast: Cast) -> None:
    await claim(cast)
    await save(cast)
    cast.clock.advance(24 * 3600 + 1)
    assert await claim(cast, payload="other") is None


async def test_a_released_key_is_free(cast: Cast) -> None:
    await claim(cast)
    await idempotency.release(cast.engine, keyed(cast))
    assert await claim(cast, payload="other") is None
