"""Idempotency keys: one first answer for a day, in every dialect's scope."""

import asyncio

import pytest

from koine.engine import answers
from koine.engine.answers import KeyReused
from koine.model.errors import Conflict
from koine.store import answers as rows
from koine.store.db import Database
from tests.cast import Cast, make_cast

REQUEST = "POST /v1/things"
ANSWER = (201, "[]", b'{"id": 1}')


@pytest.fixture
async def cast(db: Database) -> Cast:
    return await make_cast(db)


async def begin(cast: Cast, who: str = "dan", digest: str = "d", runner: str = "") -> object:
    call = answers.Call(digest, runner)
    return await answers.begin(cast.engine, cast.acme.actor(who), REQUEST, "k", call)


async def keep(cast: Cast) -> None:
    made = answers.Answered(cast.acme.actor("dan"), REQUEST, "k", *ANSWER)
    await answers.keep_many(cast.engine, [made])


async def test_of_many_keys_those_that_nobody_used_are_taken(cast: Cast) -> None:
    dan, eve = (cast.acme.actor(who) for who in ("dan", "alice"))
    asked = [answers.Asked(who, REQUEST, key, "d") for who in (dan, eve) for key in ("k", "l")]
    assert await answers.begin_many(cast.engine, asked[:1], "me") == [True]
    cast.clock.advance(1)
    assert await answers.begin_many(cast.engine, asked, "me") == [False, True, True, True]


async def test_the_first_answer_is_given_again(cast: Cast) -> None:
    assert await begin(cast) is None
    await keep(cast)
    again = await begin(cast)
    assert (again.status, again.headers, again.content) == ANSWER  # type: ignore[attr-defined]  # kept


async def test_what_is_kept_cannot_be_read_without_the_key(cast: Cast) -> None:
    dan = cast.acme.actor("dan")
    await begin(cast)
    await keep(cast)
    slot = answers._slot(dan, REQUEST, "k")
    row = await cast.engine.db.read(dan.tenant_id, rows.get, slot)
    assert row is not None
    assert b"id" not in bytes(row.content or b"")
    assert row.digest != "d"


async def test_while_the_first_runs_the_second_conflicts(cast: Cast) -> None:
    outcomes = await asyncio.gather(*(begin(cast) for _ in range(8)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7


async def test_another_payload_is_refused(cast: Cast) -> None:
    await begin(cast)
    await keep(cast)
    with pytest.raises(KeyReused):
        await begin(cast, digest="other")


async def test_a_key_is_its_callers_own(cast: Cast) -> None:
    assert await begin(cast, "dan") is None
    assert await begin(cast, "cleo") is None


async def test_a_key_left_behind_by_a_dead_process_frees_itself(cast: Cast) -> None:
    await begin(cast)
    cast.clock.advance(61)
    assert await begin(cast) is None


async def test_a_key_its_own_process_does_not_run_any_more_is_free_at_once(cast: Cast) -> None:
    await begin(cast, runner="one")
    with pytest.raises(Conflict):
        await begin(cast, runner="two")
    assert await begin(cast, runner="one") is None


async def test_a_key_is_forgotten_after_a_day(cast: Cast) -> None:
    await begin(cast)
    await keep(cast)
    cast.clock.advance(24 * 3600 + 1)
    assert await begin(cast, digest="other") is None


async def test_a_dropped_key_is_free(cast: Cast) -> None:
    await begin(cast)
    await answers.drop(cast.engine, cast.acme.actor("dan"), REQUEST, "k")
    assert await begin(cast, digest="other") is None
