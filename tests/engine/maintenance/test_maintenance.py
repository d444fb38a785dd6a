"""Maintenance deletes what expired, and files without a row."""

import asyncio
import io
import os
from pathlib import Path

import pytest

from koine.engine import idempotency
from koine.engine.auth import sessions
from koine.engine.conversations import files
from koine.engine.idempotency import KeyedRequest
from koine.engine.maintenance import maintenance, orphan_files
from koine.engine.maintenance.maintenance import EVERY, TURNS, MaintenanceReport
from koine.kit.times import SECOND
from koine.kit.tokens import random_token
from koine.store import idempotency as rows
from koine.store.auth import credentials
from koine.store.core.db import Database
from koine.store.events import event_log_state, events
from koine.store.postgres import PostgresDatabase
from tests.cast import Cast, make_cast
from tests.support import databases
from tests.support.shared_postgres import SharedPostgres

DAY = 24 * 3600
LATER = EVERY // SECOND


class Source(io.BytesIO):
    """An upload."""

    name, content_type = "a.txt", "text/plain"

    async def read(self, size: int = -1) -> bytes:  # type: ignore[override]  # as uploads are read
        return super().read(size)


@pytest.fixture
def db(empty_db: Database) -> Database:
    """These tests count what the whole database holds."""
    return empty_db


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path)}


async def kept(cast: Cast) -> int:
    tenant = cast.acme.tenant.id
    return len(await cast.engine.db.read(tenant, rows.expired, 1 << 60, 10_000))


def keyed(cast: Cast, key: str = "k") -> KeyedRequest:
    return KeyedRequest.of(cast.acme.actor("dan"), "POST /v1/things", key, "d")


def put(cast: Cast, name: str, age: int) -> Path:
    """A file without a row, so many seconds old."""
    folder = Path(cast.engine.settings.data_dir) / "files" / name[:2] / name[2:4]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"lost")
    created_at = cast.clock.now() // SECOND - age
    os.utime(folder / name, (created_at, created_at))
    return folder / name


async def test_idempotency_keys_are_deleted_after_a_day_and_not_before(cast: Cast) -> None:
    await idempotency.claim(cast.engine, keyed(cast))
    cast.clock.advance(DAY - 60)
    await maintenance.run_once(cast.engine)
    assert await kept(cast) == 1
    cast.clock.advance(LATER)
    assert await maintenance.run_once(cast.engine) == MaintenanceReport(idempotency_keys=1)
    assert await kept(cast) == 0


async def test_a_key_that_was_claimed_again_is_not_deleted(cast: Cast) -> None:
    dan = cast.acme.actor("dan")
    await idempotency.claim(cast.engine, keyed(cast))
    cast.clock.advance(DAY + 60)
    before = cast.clock.now() - idempotency.KEEP_FOR
    old = await cast.engine.db.read(dan.tenant_id, rows.expired, before, 9)
    await idempotency.claim(cast.engine, keyed(cast))
    assert await cast.engine.db.write(dan.tenant_id, rows.delete_expired, before, old) == 0


async def test_more_than_one_batch_is_deleted(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "_BATCH_SIZE", 2)
    for key in "abcde":
        await idempotency.claim(cast.engine, keyed(cast, key))
    cast.clock.advance(DAY + 60)
    assert await maintenance.run_once(cast.engine) == MaintenanceReport(idempotency_keys=5)


async def test_one_node_does_the_work_of_an_interval(cast: Cast) -> None:
    assert await maintenance.run_once(cast.engine) == MaintenanceReport()
    assert await maintenance.run_once(cast.engine) is None
    cast.clock.advance(LATER)
    assert await maintenance.run_once(cast.engine) == MaintenanceReport()


async def test_ended_sessions_are_deleted(cast: Cast) -> None:
    dan = cast.acme.actor("dan")
    await sessions.set_password(cast.engine, dan, cast.acme.id("dan"), "a good long password")
    session = await sessions.log_in(
        cast.engine, cast.acme.people["dan"].email or "", "a good long password"
    )
    open_until = cast.engine.settings.refresh_token_days * DAY
    cast.clock.advance(open_until - 60)
    assert (await maintenance.run_once(cast.engine) or MaintenanceReport(sessions=9)).sessions == 0
    cast.clock.advance(DAY + 120)
    assert (await maintenance.run_once(cast.engine) or MaintenanceReport()).sessions == 1
    assert session.tenant_id == dan.tenant_id
    assert await cast.engine.db.read(dan.tenant_id, credentials.ended_sessions, 1 << 60, 9) == []


async def test_files_without_a_row_are_deleted_after_a_day(cast: Cast) -> None:
    saved = await files.save(cast.engine, cast.acme.tenant.id, None, Source(b"kept"))
    named = put(cast, saved.key, 2 * DAY)
    old, young = put(cast, random_token(), DAY + 60), put(cast, random_token(), DAY - 60)
    part, strange = put(cast, f"{random_token()}.part", DAY + 60), put(cast, "readme", 9 * DAY)
    assert await orphan_files.delete_orphans(cast.engine) == 2
    assert [each.exists() for each in (named, old, young, part, strange)] == [
        True, False, True, False, True,
    ]  # fmt: skip


async def test_every_folder_is_checked_within_a_day(cast: Cast) -> None:
    lost = [put(cast, random_token(), 3 * DAY) for _ in range(30)]
    swept = 0
    for _ in range(TURNS):
        done = await maintenance.run_once(cast.engine)
        swept += done.files if done else 0
        cast.clock.advance(LATER)
    assert swept == len(lost)
    assert not any(each.exists() for each in lost)


async def test_files_of_another_database_are_not_deleted(cast: Cast) -> None:
    lost = put(cast, random_token(), 3 * DAY)
    (Path(cast.engine.settings.data_dir) / orphan_files.OWNER).write_text("another")
    assert await orphan_files.delete_orphans(cast.engine) == 0
    assert lost.exists()


async def test_a_database_without_files_has_nothing_to_sweep(cast: Cast) -> None:
    assert await orphan_files.delete_orphans(cast.engine) == 0
    assert not (Path(cast.engine.settings.data_dir) / orphan_files.OWNER).exists()


async def test_old_events_are_deleted_and_new_ones_kept(cast: Cast) -> None:
    db, days = cast.engine.db, cast.engine.settings.event_keep_days
    before = await db.read("", events.after, 0, 1 << 60, 10_000)
    cast.clock.advance(seconds=days * DAY - 1)
    assert before and (await maintenance.run_once(cast.engine) or MaintenanceReport()).events == 0
    cast.clock.advance(seconds=LATER + 1)
    assert (await maintenance.run_once(cast.engine) or MaintenanceReport()).events == 1
    assert await db.read("", events.after, 0, 1 << 60, 10_000) == []
    assert await db.read("", event_log_state.retention_floor) == before[-1].position


async def test_a_table_that_has_grown_is_analyzed(
    shared_postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "ANALYZE_EVERY", 0.05)
    async with databases.postgres(shared_postgres) as db:
        cast = await make_cast(db)
        tenant = cast.acme.tenant.id
        many = [(tenant, f"slot {n}", "d", 1, 200, "[]", b"") for n in range(600)]
        await db.write("", rows.save_unclaimed_many, many)
        assert await _known_rows(db) <= 0
        async with maintenance.maintenance_jobs(cast.engine):
            for _ in range(200):
                if await _known_rows(db) >= 600:
                    break
                await asyncio.sleep(0.05)
        assert await _known_rows(db) >= 600


async def _known_rows(db: Database) -> float:
    """How many rows of answers the planner believes there are; -1: nobody looked yet."""
    assert isinstance(db, PostgresDatabase)
    text = "SELECT reltuples FROM pg_class WHERE relname = 'idempotency_keys'"
    async with db._pool.connection() as link:
        return float(await link.connection.fetchval(text))
