"""What a reader read, and was told since, is what a fresh look shows: for every route that changes
anything, of every dialect."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from msgspec import Struct

from koine.http.app import build_app
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.realtime.realtime import Realtime
from koine.server import dialects
from koine.store.core.db import Database
from koine.store.events import events
from tests.authz_matrix.callers import callers
from tests.authz_matrix.expectations import YES
from tests.authz_matrix.inbox_callers import guests
from tests.authz_matrix.runner import Run, cells_of
from tests.authz_matrix.table import TABLE
from tests.authz_matrix.targets import Targets
from tests.cast import make_cast
from tests.convergence.reader import Follower
from tests.convergence.scenarios import SCENARIOS, Scenario
from tests.drivers.asgi import Caller
from tests.drivers.world import World
from tests.realtime.plain_encoder import realtime_of

READERS = ("ada", "alice", "dora", "dan", "cleo")
STEP = int(os.environ.get("KOINE_SNAPSHOT_STEP", "8"))
"""How many changes are made between two looks; 1 shows which one is at fault."""
CHANGES = {
    dialect: [name for name in table if not name.startswith("GET")]
    for dialect, table in TABLE.items()
}


class Watched(Struct):
    """A world that readers follow."""

    run: Run
    relay: Realtime
    readers: list[Follower]

    async def change(self, dialect: str, name: str) -> int:
        """Ask one row of the matrix's table as someone who may; the status."""
        row = TABLE[dialect][name]
        self.run.world.cast.clock.advance(seconds=1)
        method, path = name.partition("#")[0].split()
        everyone = self.run.callers.get(dialect, self.run.callers["everywhere"])
        cells = [c for c in cells_of(everyone, dialect, row) if c.which == "own"]
        cell = next((c for c in cells if c.may & YES), cells[0])
        reply = await self.run.send(method, path, row, (cell.caller, "own"))
        self.run.things.spend_all()
        assert reply.status < 300 or not cell.may & YES, (name, reply.text)
        return reply.status

    async def settle(self) -> None:
        """Wait until all that was committed is told."""
        last = (await self.relay.engine.db.read("", events.log_snapshot)).last
        for _ in range(1000):
            if self.relay.hub.delivered >= last:
                return
            await asyncio.sleep(0.01)

    async def differences(self) -> list[str]:
        """What the readers keep that is not there, and the other way round."""
        await self.settle()
        for reader in self.readers:
            await reader.follow()
        boss = self.readers[0].state
        found = []
        for reader in self.readers:
            fresh = await reader.snapshot([*boss.tickets], [*boss.deliveries])
            found += reader.differences(fresh)
        return found


@pytest.fixture
async def watched(db: Database) -> AsyncIterator[Watched]:
    """A world of its own whose readers have read everything."""
    cast = await make_cast(db, None, login_rate_limit_per_minute=0)
    spoken, engine = dialects(), cast.engine
    people = {"everywhere": await callers(cast), "inbox": await guests(cast)}
    async with realtime_of(engine) as relay:
        app = build_app(
            spoken,
            engine,
            engine.settings,
            idempotency=DatabaseIdempotencyStore(engine),
            realtime=relay,
        )
        world = World(cast, Caller(app), spoken)
        readers = [Follower(cast, world.call, relay, name) for name in READERS]
        parcels = [each.id for each in cast.acme.deliveries]
        for reader in readers:
            await reader.begin([], parcels)
        yield Watched(Run(world, people, Targets(cast)), relay, readers)


@pytest.mark.parametrize("dialect", CHANGES)
async def test_what_was_read_and_told_is_what_there_is(watched: Watched, dialect: str) -> None:
    wrong: list[str] = []
    for start in range(0, len(CHANGES[dialect]), STEP):
        names = CHANGES[dialect][start : start + STEP]
        asked = [f"{name} {await watched.change(dialect, name)}" for name in names]
        if found := await watched.differences():
            wrong += [f"after {', '.join(asked)}:", *found]
            for reader in watched.readers:
                await reader.begin([], [])
    assert wrong == []


async def test_an_event_that_is_left_out_is_noticed(watched: Watched) -> None:
    await watched.change("native", "POST /v1/conversations/{conversation_id}/messages")
    await watched.settle()
    ada = watched.readers[0]
    assert ada.differences(await ada.snapshot([], []))
    await ada.follow()
    assert not ada.differences(await ada.snapshot([], [*ada.state.deliveries]))


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_story_is_told_in_full(watched: Watched, name: str) -> None:
    wrong: list[str] = []

    async def look() -> None:
        wrong.extend(await watched.differences())

    await SCENARIOS[name](Scenario(watched.run.world, look))
    await look()
    assert wrong == []
