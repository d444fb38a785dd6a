"""Concurrent requests, on both databases: one key in fifty requests, on two nodes with PostgreSQL,
is one message, and one of several closes sends the survey."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from koine.engine.core.engine import Engine, open_engine
from koine.http.app import build_app
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from tests.cross_dialect.test_surveys import CLOSERS, QUESTION, app_with_surveys, texts
from tests.drivers.asgi import Caller
from tests.drivers.base import Driver, Refused
from tests.drivers.cast_app import CastApp
from tests.drivers.registry import DRIVERS

TIMES = 50
EACH = pytest.mark.parametrize("name", DRIVERS)


@pytest.fixture
def db(backend: str, request: pytest.FixtureRequest) -> Database:
    """Both databases: they order concurrent transactions in different ways."""
    opened: Database = request.getfixturevalue(f"{backend}_db")
    return opened


@asynccontextmanager
async def nodes(cast_app: CastApp) -> AsyncIterator[list[Engine]]:
    """The engine of `cast_app`, and another on the same database if it is PostgreSQL."""
    one, db = cast_app.cast.engine, cast_app.cast.engine.db
    if not isinstance(db, PostgresDatabase):
        yield [one]
        return
    other = await PostgresDatabase.open(db._url, 4)
    try:
        yield [one, await open_engine(other, one.clock, one.settings, one.webhook_formats)]
    finally:
        await other.close()


def driver_of(cast_app: CastApp, engine: Engine, name: str, key: str, stores: bool) -> Driver:
    """A driver of one node, whose requests all have this key."""
    store = DatabaseIdempotencyStore(engine) if stores else None
    app = build_app(cast_app.dialects, engine, engine.settings, idempotency=store)
    driver = DRIVERS[name](CastApp(cast_app.cast, Caller(app), cast_app.dialects))
    driver.call.headers["Idempotency-Key"] = key
    return driver


async def post_until_accepted(driver: Driver, conversation: Conversation) -> None:
    """Post again while the response is a 409 (in flight)."""
    while True:
        try:
            return await driver.post(conversation, "once")
        except Refused as refused:
            assert refused.reply.status == 409, refused
            await asyncio.sleep(0.005)


@EACH
@pytest.mark.parametrize("stores", [True, False], ids=["with a store", "without a store"])
async def test_fifty_at_once_are_one_message(cast_app: CastApp, name: str, stores: bool) -> None:
    conversation = await cast_app.create_conversation()
    async with nodes(cast_app) as engines_:
        drivers = [
            driver_of(cast_app, each, name, f"k-{conversation.id}", stores) for each in engines_
        ]
        await asyncio.gather(
            *(post_until_accepted(drivers[n % len(drivers)], conversation) for n in range(TIMES))
        )
        assert await drivers[0].read(conversation) == ["once"]


async def test_a_day_later_it_is_still_the_same_message(cast_app: CastApp) -> None:
    conversation, engine = await cast_app.create_conversation(), cast_app.cast.engine
    driver = driver_of(cast_app, engine, "native", f"k-{conversation.id}", stores=True)
    await driver.post(conversation, "once")
    cast_app.cast.clock.advance(2 * 24 * 3600)
    driver = driver_of(cast_app, engine, "native", f"k-{conversation.id}", stores=True)
    await driver.post(conversation, "once")
    assert await driver.read(conversation) == ["once"]


async def test_a_response_of_one_node_is_replayed_by_the_other(cast_app: CastApp) -> None:
    conversation = await cast_app.create_conversation()
    path, body = f"/v1/conversations/{conversation.id}/messages", {"content": "once"}
    async with nodes(cast_app) as engines_:
        calls = [
            driver_of(cast_app, e, "native", f"k-{conversation.id}", stores=True).call
            for e in engines_
        ]
        first = await calls[0]("POST", path, body)
        again = await calls[-1]("POST", path, body)
        for _ in range(200):
            if again.headers.get("idempotent-replayed"):
                break
            await asyncio.sleep(0.01)
            again = await calls[-1]("POST", path, body)
        assert again.headers["idempotent-replayed"] == "true"
        assert (
            (again.status, again.content) == (first.status, first.content) == (201, first.content)
        )
        assert (await calls[-1]("POST", path, {"content": "another"})).status == 422


async def test_concurrent_closes_send_one_survey(db: Database) -> None:
    cast_app, drivers = await app_with_surveys(db)
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await asyncio.gather(*(drivers[name].close(conversation) for name in CLOSERS * 3))
    assert await texts(drivers, conversation) == ["hi", QUESTION]
