"""One key, fifty times at once, on two nodes where there can be two: one message, for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from koine.engine.core import context as engines
from koine.engine.core.context import Engine
from koine.http.app import build_app
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.model.conversation import Conversation
from koine.store.postgres import PostgresDatabase
from tests.drivers.asgi import Caller
from tests.drivers.base import Driver, Refused
from tests.drivers.everyone import DRIVERS
from tests.drivers.world import World

TIMES = 50
EACH = pytest.mark.parametrize("name", DRIVERS)


@asynccontextmanager
async def nodes(world: World) -> AsyncIterator[list[Engine]]:
    """The world's engine, and another on the same database if it takes two."""
    one, db = world.cast.engine, world.cast.engine.db
    if not isinstance(db, PostgresDatabase):
        yield [one]
        return
    other = await PostgresDatabase.open(db._url, 4)
    try:
        yield [one, await engines.open_engine(other, one.clock, one.settings, one.webhook_formats)]
    finally:
        await other.close()


def speaking(world: World, engine: Engine, name: str, key: str, keeps: bool) -> Driver:
    """A driver of one node, whose calls all have this key."""
    store = DatabaseIdempotencyStore(engine) if keeps else None
    app = build_app(world.dialects, engine, engine.settings, idempotency=store)
    driver = DRIVERS[name](World(world.cast, Caller(app), world.dialects))
    driver.call.headers["Idempotency-Key"] = key
    return driver


async def insist(driver: Driver, talk: Conversation) -> None:
    """Post until it is said that it was."""
    while True:
        try:
            return await driver.post(talk, "once")
        except Refused as no:
            assert no.reply.status == 409, no
            await asyncio.sleep(0.005)


@EACH
@pytest.mark.parametrize("keeps", [True, False], ids=["answers kept", "answers forgotten"])
async def test_fifty_at_once_are_one_message(world: World, name: str, keeps: bool) -> None:
    talk = await world.talk()
    async with nodes(world) as engines_:
        drivers = [speaking(world, each, name, f"k-{talk.id}", keeps) for each in engines_]
        await asyncio.gather(*(insist(drivers[n % len(drivers)], talk) for n in range(TIMES)))
        assert await drivers[0].read(talk) == ["once"]


async def test_a_day_later_it_is_still_the_same_message(world: World) -> None:
    talk, engine = await world.talk(), world.cast.engine
    driver = speaking(world, engine, "native", f"k-{talk.id}", keeps=True)
    await driver.post(talk, "once")
    world.cast.clock.advance(2 * 24 * 3600)
    driver = speaking(world, engine, "native", f"k-{talk.id}", keeps=True)
    await driver.post(talk, "once")
    assert await driver.read(talk) == ["once"]


async def test_what_one_node_has_answered_every_node_answers_soon(world: World) -> None:
    talk = await world.talk()
    path, said = f"/v1/conversations/{talk.id}/messages", {"content": "once"}
    async with nodes(world) as engines_:
        calls = [speaking(world, e, "native", f"k-{talk.id}", keeps=True).call for e in engines_]
        first = await calls[0]("POST", path, said)
        again = await calls[-1]("POST", path, said)
        for _ in range(200):
            if again.headers.get("idempotent-replayed"):
                break
            await asyncio.sleep(0.01)
            again = await calls[-1]("POST", path, said)
        assert again.headers["idempotent-replayed"] == "true"
        assert (
            (again.status, again.content) == (first.status, first.content) == (201, first.content)
        )
        assert (await calls[-1]("POST", path, {"content": "another"})).status == 422
