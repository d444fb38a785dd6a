"""A follower of its own: what a module that is to follow the event log has to bring.

`Greeter` plans a greeting for every tenant that changed, with a cursor and rows of its own, and
sends what is due. It stands for channels and responders.
"""

import asyncio

import pytest
import sqlalchemy as sa

from koine.event_log import durable_follower
from koine.event_log.durable_follower import DurableFollower
from koine.event_log.log_reader import EventLogReader
from koine.kit.ids import new_id
from koine.model.event import Event, LoggedEvent
from koine.store.core.db import Database, Tx
from koine.store.core.statements import InsertMany, Query
from koine.store.core.types import Uuid
from koine.store.core.work_queue import ClaimedRow, WorkQueue
from koine.store.events import cursors, events
from tests.store.scratch import make_table

CURSOR = "test_greetings"
LEASE = 1_000

GREETINGS = sa.Table(
    "test_greetings",
    sa.MetaData(),
    sa.Column("tenant_id", Uuid(), nullable=False),
    sa.Column("position", sa.BigInteger(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("due_at", sa.BigInteger(), nullable=False),
    sa.Column("lease_version", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "position"),
)
INSERT = InsertMany(GREETINGS, ["tenant_id", "position", "state", "due_at", "lease_version"])
QUEUE = WorkQueue(GREETINGS, ["tenant_id", "position"], read=[], results=["state"])
ALL = Query(
    sa.select(GREETINGS.c.position, GREETINGS.c.state).order_by(GREETINGS.c.position),
    crosses_tenants="a test",
)


class GreetingHandler:
    """What `Greeter` does with events: an `EventHandler`."""

    since = 0

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def is_needed(self, chunk: list[LoggedEvent]) -> bool:
        return bool(_changed(chunk))

    async def handle(self, chunk: list[LoggedEvent]) -> int:
        rows = [(event.tenant_id, event.position, "pending", 0, 0) for event in _changed(chunk)]
        await self._tx.many(INSERT, rows)
        return len(rows)


def _changed(chunk: list[LoggedEvent]) -> list[LoggedEvent]:
    return [event for event in chunk if event.kind == "tenant.updated"]


async def _open_handler(tx: Tx) -> GreetingHandler:
    return GreetingHandler(tx)


class Greeter:
    """One node's; `sent` are the positions for which it sent a greeting."""

    def __init__(self, db: Database) -> None:
        self.follower = DurableFollower(db, CURSOR, _open_handler, lambda: None)
        self.sent: list[int] = []
        self._db = db

    async def claim(self, tenant_id: str, now: int, at_most: int = 10) -> list[ClaimedRow]:
        return await self._db.write("", QUEUE.claim, [((tenant_id,), at_most)], now, now + LEASE)

    async def send(self, claims: list[ClaimedRow]) -> None:
        """Send greetings, in no transaction; then settle them in one."""
        self.sent += [claim.key[-1] for claim in claims]
        await self._db.write("", _settle, claims)


async def _settle(tx: Tx, claims: list[ClaimedRow]) -> None:
    await tx.many(QUEUE.settle, [(*c.key, c.lease_version, "sent") for c in claims])


@pytest.fixture
async def db(fresh_db: Database) -> Database:
    """A database with the table of greetings."""
    await make_table(fresh_db, GREETINGS)
    return fresh_db


async def change(db: Database, tenant_id: str, count: int = 1) -> int:
    """Events for which there is a greeting, and as many for which there is none; returns the last
    position."""
    for _ in range(count):
        for kind in ("tenant.updated", "identity.updated"):
            event = Event(kind, "staff", None, new_id(), None, "{}", 1)
            await db.write(tenant_id, events.append, event)
    return (await db.read("", events.log_snapshot)).last


async def planned(db: Database) -> list[int]:
    return [position for position, _ in await db.read("", _all)]


async def until_planned(db: Database, count: int) -> None:
    async with asyncio.timeout(10):
        while True:
            if len(await planned(db)) >= count:
                return
            await asyncio.sleep(0.01)


async def _all(tx: Tx) -> list[tuple[int, str]]:
    return await tx.all(ALL)


async def test_a_follower_continues_after_a_restart_where_it_stopped(db: Database) -> None:
    tenant = new_id()
    stable = await change(db, tenant, 3)
    assert await Greeter(db).follower.advance_until(stable) == 3
    assert await db.read("", cursors.get, CURSOR) == stable
    assert await Greeter(db).follower.advance_until(stable) == 0
    stable = await change(db, tenant)
    assert await Greeter(db).follower.advance_until(stable) == 1
    assert len(await planned(db)) == 4


async def test_a_follower_that_fails_handles_its_events_once_it_works_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows and its cursor are written together, or neither is."""
    stable, follower = await change(db, new_id()), Greeter(db).follower
    with monkeypatch.context() as patch:
        patch.setattr(cursors, "save", _fail)
        with pytest.raises(RuntimeError):
            await follower.advance_until(stable)
    assert await planned(db) == []
    assert await db.read("", cursors.get, CURSOR) == 0
    assert await follower.advance_until(stable) == 1


async def _fail(*_: object) -> None:
    raise RuntimeError("planted")


async def test_two_nodes_do_not_both_handle_an_event(db: Database) -> None:
    tenant, nodes = new_id(), [Greeter(db), Greeter(db)]
    for _ in range(5):
        stable = await change(db, tenant, 5)
        counts = await asyncio.gather(*(node.follower.advance_until(stable) for node in nodes))
        assert sum(counts) == 5
    assert len(await planned(db)) == 25


async def test_followers_with_other_names_do_not_move_the_cursor(db: Database) -> None:
    stable = await change(db, new_id())
    assert await Greeter(db).follower.advance_until(stable) == 1
    assert await db.read("", cursors.get, "test_another") == 0


async def test_a_follower_runs_behind_the_log_reader(db: Database) -> None:
    greeter, reader = Greeter(db), EventLogReader(db)
    reader.followers.append(greeter.follower)
    tasks = [asyncio.create_task(work) for work in (reader.run(), greeter.follower.run())]
    try:
        await reader.started.wait()
        stable = await change(db, new_id(), 2)
        reader.wake()
        await until_planned(db, 2)
        assert await db.read("", cursors.get, CURSOR) <= stable
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_two_nodes_do_not_both_send_a_row(db: Database) -> None:
    tenant, nodes = new_id(), [Greeter(db), Greeter(db)]
    await nodes[0].follower.advance_until(await change(db, tenant, 6))
    claims = await asyncio.gather(*(node.claim(tenant, now=1, at_most=3) for node in nodes))
    assert len({claim.key for each in claims for claim in each}) == sum(map(len, claims))
    await asyncio.gather(*(n.send(each) for n, each in zip(nodes, claims, strict=True)))
    await nodes[0].send(await nodes[0].claim(tenant, now=1))
    assert sorted(nodes[0].sent + nodes[1].sent) == await planned(db)
    assert {state for _, state in await db.read("", _all)} == {"sent"}


async def test_rows_of_a_node_that_died_are_due_again_when_the_lease_ends(db: Database) -> None:
    tenant, dead, other = new_id(), Greeter(db), Greeter(db)
    await dead.follower.advance_until(await change(db, tenant))
    (lost,) = await dead.claim(tenant, now=1)
    assert await other.claim(tenant, now=LEASE) == []
    (taken,) = await other.claim(tenant, now=1 + LEASE)
    assert (taken.key, taken.lease_version) == (lost.key, lost.lease_version + 1)
    await dead.send([lost])
    assert [state for _, state in await db.read("", _all)] == ["pending"]
    await other.send([taken])
    assert [state for _, state in await db.read("", _all)] == ["sent"]


async def test_the_cursor_is_saved_also_when_no_event_is_for_the_follower(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a restart would read the log from where the last row was written."""
    monkeypatch.setattr(durable_follower, "CURSOR_SAVE_INTERVAL", 5)
    follower, saved = Greeter(db).follower, 0
    for _ in range(12):
        event = Event("identity.updated", "staff", None, new_id(), None, "{}", 1)
        await db.write(new_id(), events.append, event)
        stable = (await db.read("", events.log_snapshot)).last
        assert await follower.advance_until(stable) == 0
        saved = await db.read("", cursors.get, CURSOR)
        assert stable - saved <= 5
    assert saved > 0
