"""A snapshot plus the events since equals a fresh snapshot: for every route of every dialect that
changes anything."""

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
from tests.authz_matrix.inbox_callers import inbox_callers
from tests.authz_matrix.runner import Run, cells_of
from tests.authz_matrix.table import TABLE
from tests.authz_matrix.targets import Targets
from tests.cast import make_cast
from tests.convergence.scenarios import SCENARIOS, Scenario
from tests.convergence.synced_client import SyncedClient
from tests.drivers.asgi import Caller
from tests.drivers.cast_app import CastApp
from tests.realtime.bus.recorder import eventually
from tests.realtime.plain_encoder import realtime_of

USERS = ("ada", "alice", "dora", "dan", "cleo")
STEP = int(os.environ.get("KOINE_SNAPSHOT_STEP", "8"))
"""How many changes are made between two comparisons; 1 shows which one is at fault."""
CHANGES = {
    dialect: [name for name in table if not name.startswith("GET")]
    for dialect, table in TABLE.items()
}


class Watched(Struct):
    """A server with clients that follow its events."""

    run: Run
    realtime: Realtime
    clients: list[SyncedClient]

    async def change(self, dialect: str, name: str) -> int:
        """Make the request of a row of the authorization matrix as a caller who may; the status."""
        row = TABLE[dialect][name]
        self.run.cast_app.cast.clock.advance(seconds=1)
        method, path = name.partition("#")[0].split()
        everyone = self.run.callers.get(dialect, self.run.callers["everywhere"])
        cells = [c for c in cells_of(everyone, dialect, row) if c.which == "own"]
        cell = next((c for c in cells if c.expected & YES), cells[0])
        response = await self.run.send(method, path, row, (cell.caller, "own"))
        self.run.targets.forget_all()
        assert response.status < 300 or not cell.expected & YES, (name, response.text)
        return response.status

    async def settle(self) -> None:
        """Wait until the hub has dispatched every committed event."""
        last = (await self.realtime.engine.db.read("", events.log_snapshot)).last
        await eventually(lambda: self.realtime.hub.delivered >= last, within=30)

    async def differences(self) -> list[str]:
        """Where the states of the clients differ from fresh snapshots."""
        await self.settle()
        for client in self.clients:
            await client.follow()
        admin = self.clients[0].state
        found = []
        for client in self.clients:
            fresh = await client.snapshot([*admin.tickets], [*admin.deliveries])
            found += client.differences(fresh)
        return found


@pytest.fixture
def db(postgres_db: Database) -> Database:
    """One database: what an event says is decided above the store. On PostgreSQL, transactions end
    in another order than their events were numbered, so it is the harder one to follow."""
    return postgres_db


@pytest.fixture
async def watched(db: Database) -> AsyncIterator[Watched]:
    """A server of its own whose clients have loaded everything."""
    cast = await make_cast(db, None, login_rate_limit_per_minute=0)
    all_dialects, engine = dialects(), cast.engine
    people = {"everywhere": await callers(cast), "inbox": await inbox_callers(cast)}
    async with realtime_of(engine) as realtime:
        app = build_app(
            all_dialects,
            engine,
            engine.settings,
            idempotency=DatabaseIdempotencyStore(engine),
            realtime=realtime,
        )
        cast_app = CastApp(cast, Caller(app), all_dialects)
        clients = [SyncedClient(cast, cast_app.call, realtime, name) for name in USERS]
        delivery_ids = [each.id for each in cast.acme.deliveries]
        for client in clients:
            await client.begin([], delivery_ids)
        yield Watched(Run(cast_app, people, Targets(cast)), realtime, clients)


@pytest.mark.parametrize("dialect", CHANGES)
async def test_snapshot_plus_events_equals_a_fresh_snapshot(watched: Watched, dialect: str) -> None:
    wrong: list[str] = []
    for start in range(0, len(CHANGES[dialect]), STEP):
        names = CHANGES[dialect][start : start + STEP]
        changes = [f"{name} {await watched.change(dialect, name)}" for name in names]
        if found := await watched.differences():
            wrong += [f"after {', '.join(changes)}:", *found]
            for client in watched.clients:
                await client.begin([], [])
    assert wrong == []


async def test_a_missing_event_is_noticed(watched: Watched) -> None:
    await watched.change("native", "POST /v1/conversations/{conversation_id}/messages")
    await watched.settle()
    ada = watched.clients[0]
    assert ada.differences(await ada.snapshot([], []))
    await ada.follow()
    assert not ada.differences(await ada.snapshot([], [*ada.state.deliveries]))


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_keeps_every_client_current(watched: Watched, name: str) -> None:
    wrong: list[str] = []

    async def check() -> None:
        wrong.extend(await watched.differences())

    await SCENARIOS[name](Scenario(watched.run.cast_app, check))
    await check()
    assert wrong == []
