"""Of a deleted tenant no row of any table and no file is left, and its tombstone says nothing."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from koine.engine import tenant_deletion, tenant_suspension, tenants
from koine.engine.conversations import conversations, files, messages, tickets
from koine.engine.idempotency import KeyedRequest, claim
from koine.engine.maintenance import maintenance
from koine.engine.tenant_deletion import SETTLING, NotDue
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.kit.ids import new_id
from koine.kit.times import DAY, SECOND
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.errors import NotFound
from koine.model.message import Draft
from koine.model.tenant import DeletedTenant
from koine.store import tables
from koine.store import tenant_deletion as rows
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query, param
from koine.store.tenant_deletion import NO_ROWS_OF_TENANTS, TABLES
from tests.cast import Cast, CastTenant
from tests.engine.conversations.test_files import Bytes

COUNTS = {
    name: Query(
        select(func.count())
        .select_from(tables.metadata.tables[name])
        .where(tables.metadata.tables[name].c.tenant_id == param("tenant_id")),
        int,
    )
    for name in TABLES
}


class Killed(Exception):
    """The process ended in the middle of a transaction."""


@pytest.fixture
def db(empty_db: Database) -> Database:
    """Maintenance deletes the tenants of the whole database."""
    return empty_db


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path), "outbound_allow": "127.0.0.1", "outbound_http": True}


async def counts(cast: Cast, of: CastTenant) -> dict[str, int]:
    async def count(tx: Tx) -> dict[str, int]:
        return {name: await tx.one(query) or 0 for name, query in COUNTS.items()}

    return await cast.engine.db.read_long(of.tenant.id, count)


def on_disk(cast: Cast) -> list[Path]:
    return [p for p in Path(cast.engine.settings.data_dir).rglob("*/*/*") if p.is_file()]


async def fill(cast: Cast, of: CastTenant) -> None:
    """Rows in the tables that the cast leaves empty, and a file."""
    engine, ada = cast.engine, of.actor("ada")
    new = NewConversation(owner_id=of.id("carol"), inbox_id=of.inbox.id)
    made = await conversations.create(engine, ada, new)
    for text in "abc":
        await messages.send(engine, ada, made.id, Draft(content=text, sender_id=of.id("ada")))
    await tickets.open_(engine, ada, made.id)
    await files.save(engine, of.tenant.id, made.id, Bytes(b"their picture"))
    await claim(engine, KeyedRequest.of(ada, "POST /v1/things", "k", "d"))
    hook = NewEndpoint(dialect="native", url="http://127.0.0.1:9/hook", kinds=("message.created",))
    await endpoints.create(engine, ada, hook)


async def schedule(cast: Cast, grace: int = 7 * DAY) -> None:
    await tenant_suspension.schedule_deletion(cast.engine, operator(cast.acme.tenant.id), grace)


async def tombstone(cast: Cast) -> DeletedTenant:
    (found,) = await tenant_deletion.list_tombstones(cast.engine)
    return found


async def delete(cast: Cast) -> DeletedTenant | None:
    return await tenant_deletion.delete_tenant(cast.engine, cast.acme.tenant.id)


def test_no_table_is_left_out() -> None:
    assert set(TABLES) | NO_ROWS_OF_TENANTS == set(tables.metadata.tables)
    assert not set(TABLES) & NO_ROWS_OF_TENANTS


def test_a_table_comes_before_those_it_refers_to() -> None:
    for name in TABLES:
        for key in tables.metadata.tables[name].foreign_keys:
            assert TABLES.index(name) <= TABLES.index(key.column.table.name)


async def test_every_row_and_file_goes_in_batches_and_nothing_of_others(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_deletion, "BATCH_SIZE", 2)
    for of in (cast.acme, cast.rival):
        await fill(cast, of)
    before, others = await counts(cast, cast.acme), await counts(cast, cast.rival)
    assert min(before[name] for name in ("messages", "identities", "events", "audit")) > 2
    await schedule(cast)
    cast.clock.advance(7 * 86_400)
    report = await maintenance.run_once(cast.engine)
    assert report is not None and report.tenants == 1
    assert set((await counts(cast, cast.acme)).values()) == {0}
    assert await counts(cast, cast.rival) == others | {"idempotency_keys": 0}
    assert [path.read_bytes() for path in on_disk(cast)] == [b"their picture"]
    assert [each.id for each in await tenants.list_all(cast.engine)] == [cast.rival.tenant.id]


async def test_the_tombstone_has_counts_and_nothing_to_read(cast: Cast) -> None:
    before = await counts(cast, cast.acme)
    await schedule(cast, 0)
    cast.clock.advance(60)
    assert await delete(cast) == await tombstone(cast)
    found = await tombstone(cast)
    deleted = msgspec.json.decode(found.counts, type=dict[str, int])
    more = {"audit": 1, "events": 1}
    assert deleted == {n: c + more.get(n, 0) for n, c in before.items() if c}
    assert (found.id, found.number) == (cast.acme.tenant.id, cast.acme.tenant.number)
    assert set(tables.deleted_tenants.c.keys()) == set(DeletedTenant.__struct_fields__)
    with pytest.raises(NotFound):
        await tenants.get_by_slug_or_id(cast.engine, cast.acme.tenant.slug)


async def test_the_number_of_a_deleted_tenant_is_not_used_again(cast: Cast) -> None:
    last = await tenants.create(cast.engine, "Last", f"last-{new_id()}")
    await tenant_suspension.schedule_deletion(cast.engine, operator(last.id), 0)
    cast.clock.advance(60)
    await tenant_deletion.delete_tenant(cast.engine, last.id)
    assert (await tenants.create(cast.engine, "Next", last.slug)).number > last.number


async def test_nothing_is_deleted_before_its_time_or_before_requests_have_ended(cast: Cast) -> None:
    before = await counts(cast, cast.acme)
    with pytest.raises(NotDue):
        await delete(cast)
    await schedule(cast, 0)
    cast.clock.advance(SETTLING // SECOND)
    with pytest.raises(NotDue):
        await delete(cast)
    assert await tenant_deletion.delete_due(cast.engine, 60) == 0
    assert await counts(cast, cast.acme) == before | {
        "audit": before["audit"] + 1, "events": before["events"] + 1
    }  # fmt: skip
    cast.clock.advance(cast.engine.settings.token_cache_seconds)
    assert await tenant_deletion.delete_due(cast.engine, 60) == 1


async def test_a_deletion_that_is_killed_at_every_table_goes_on(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(cast, cast.acme)
    await schedule(cast, 0)
    cast.clock.advance(60)
    every = await counts(cast, cast.acme)
    delete_batch, killed_at = rows.delete_batch, set[str]()

    async def killed(tx: Tx, table: str, limit: int) -> int:
        done = await delete_batch(tx, table, limit)
        if table not in killed_at:
            killed_at.add(table)
            raise Killed
        return done

    monkeypatch.setattr(rows, "delete_batch", killed)
    for _ in TABLES:
        with pytest.raises(Killed):
            await delete(cast)
        assert (await tombstone(cast)).finished_at is None
    assert await delete(cast) is not None
    found = msgspec.json.decode((await tombstone(cast)).counts, type=dict[str, int])
    assert found == {name: count for name, count in every.items() if count}
    assert on_disk(cast) == []


async def test_a_deletion_stops_when_its_time_is_up(cast: Cast) -> None:
    await schedule(cast, 0)
    cast.clock.advance(60)
    assert await tenant_deletion.delete_due(cast.engine, 0) == 0
    assert (await tombstone(cast)).finished_at is None
    assert await tenant_deletion.delete_due(cast.engine, 60) == 1


async def test_rows_that_were_late_are_deleted_by_the_next_maintenance(cast: Cast) -> None:
    await schedule(cast, 0)
    cast.clock.advance(60)
    await delete(cast)
    await files.save(cast.engine, cast.acme.tenant.id, None, Bytes(b"late"))
    assert (await counts(cast, cast.acme))["files"] == 1
    await maintenance.run_once(cast.engine)
    assert set((await counts(cast, cast.acme)).values()) == {0}
    assert on_disk(cast) == []


async def test_a_tenant_that_came_back_under_its_id_is_left_alone(cast: Cast) -> None:
    await schedule(cast, 0)
    cast.clock.advance(60)
    await delete(cast)
    await cast.engine.db.write(
        cast.acme.tenant.id, tenants._create, 1, operator(cast.acme.tenant.id), "Back", "back"
    )
    before = await counts(cast, cast.acme)
    await maintenance.run_once(cast.engine)
    assert await counts(cast, cast.acme) == before
