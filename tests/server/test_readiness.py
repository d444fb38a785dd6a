"""/readyz: what a process must be able to do before it is sent requests."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from koine.http.health import Check
from koine.kit.shutdown_signal import ShutdownSignal
from koine.model.errors import Unavailable
from koine.server import readiness
from koine.server.app import create_app
from koine.server.readiness import Readiness
from koine.store import schema
from koine.store.core.db import Database
from tests.cast import Cast
from tests.support.next_release import migrate_by_next_release


class Slow:
    """A database whose writes take their time, and are counted."""

    def __init__(self, db: Database, seconds: float = 0.0, *, down: bool = False) -> None:
        self._db, self.seconds, self._down = db, seconds, down
        self.writes = self.written = 0

    async def write(self, *args: Any) -> Any:
        self.writes += 1
        await asyncio.sleep(self.seconds)
        if self._down:
            raise Unavailable()
        done = await self._db.write(*args)
        self.written += 1
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


async def failing(
    db: Any, shutdown_signal: ShutdownSignal | None = None, **more: Any
) -> dict[str, str]:
    checks = await Readiness(db, shutdown_signal or ShutdownSignal(), **more).checks()
    return {check.name: check.reason for check in checks if not check.ok}


async def test_a_database_that_writes_is_ready(db: Database) -> None:
    assert await failing(db) == {}


async def test_a_draining_process_is_not_ready(db: Database) -> None:
    shutdown_signal = ShutdownSignal()
    shutdown_signal.start()
    assert list(await failing(db, shutdown_signal)) == ["draining"]


async def test_a_database_that_does_not_write_is_not_ready(db: Database) -> None:
    assert await failing(Slow(db, down=True)) == {"database": "the database does not write"}


async def test_a_write_that_takes_too_long_is_not_waited_for(
    db: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT", 0.05)
    slow = Slow(db, 3.0)
    ready = Readiness(slow, ShutdownSignal())  # type: ignore[arg-type]  # a Database by __getattr__
    async with asyncio.timeout(2.0):
        for _ in range(5):
            assert not (await ready.checks())[0].ok
    assert slow.writes == 1


async def test_a_process_stays_ready_for_a_moment_while_writes_are_slow(
    db: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT", 0.05)
    monkeypatch.setattr(readiness, "PROBE_INTERVAL", 0.0)
    slow = Slow(db)
    ready = Readiness(slow, ShutdownSignal())  # type: ignore[arg-type]  # a Database by __getattr__
    assert (await ready.checks())[0].ok
    slow.seconds = 3.0
    assert (await ready.checks())[0].ok
    monkeypatch.setattr(readiness, "LATE_AFTER", 0.0)
    assert not (await ready.checks())[0].ok


async def test_a_write_that_ends_late_is_a_success_all_the_same(
    db: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT", 0.02)
    monkeypatch.setattr(readiness, "PROBE_INTERVAL", 0.0)
    slow = Slow(db, 0.2)
    ready = Readiness(slow, ShutdownSignal())  # type: ignore[arg-type]  # a Database by __getattr__
    assert not (await ready.checks())[0].ok
    async with asyncio.timeout(10):
        while not slow.written:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    slow.seconds = 3.0
    assert (await ready.checks())[0].ok


async def test_concurrent_checks_share_one_write(db: Database) -> None:
    slow = Slow(db, 0.01)
    ready = Readiness(slow, ShutdownSignal())  # type: ignore[arg-type]  # a Database by __getattr__
    every = await asyncio.gather(*(ready.checks() for _ in range(20)))
    assert all(check.ok for checks in every for check in checks)
    await ready.checks()
    assert slow.writes == 1


async def test_a_process_stays_ready_and_starts_on_tables_that_a_newer_koine_added_to(
    fresh_db: Database, tmp_path: Path
) -> None:
    older_node = Readiness(fresh_db, ShutdownSignal())
    assert all(check.ok for check in await older_node.checks())
    await migrate_by_next_release(fresh_db, tmp_path, "adds")
    assert all(check.ok for check in await older_node.checks())
    await schema.migrate(fresh_db)  # as every start does


async def test_a_process_is_not_ready_when_a_newer_koine_contracted_the_tables(
    fresh_db: Database, tmp_path: Path
) -> None:
    await migrate_by_next_release(fresh_db, tmp_path, "contracts")
    assert "older ones cannot use it (9000)" in (await failing(fresh_db))["schema"]
    with pytest.raises(schema.WrongSchema, match="restore a backup"):
        await schema.migrate(fresh_db)


async def test_a_schema_of_which_nothing_is_known_is_not_ready(fresh_db: Database) -> None:
    await fresh_db.alter_schema(lambda _: "UPDATE alembic_version SET version_num = '9999'")
    assert "a newer one has changed it" in (await failing(fresh_db))["schema"]


async def test_older_tables_are_not_ready(fresh_db: Database) -> None:
    await fresh_db.alter_schema(lambda _: "UPDATE alembic_version SET version_num = '0011'")
    assert "koine migrate" in (await failing(fresh_db))["schema"]


async def test_a_process_far_behind_the_event_log_is_not_ready(db: Database) -> None:
    assert await failing(db, lag_seconds=lambda: 1.0) == {}
    failed = await failing(db, lag_seconds=lambda: 31.0)
    assert failed == {"events": "the event log has not been read for 31 s"}


async def test_a_data_folder_that_becomes_unwritable_is_not_ready(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "PROBE_INTERVAL", 0.0)
    ready = Readiness(db, ShutdownSignal(), uploads=tmp_path / "data" / "files")
    assert all(check.ok for check in await ready.checks())
    (tmp_path / "data").touch()
    (failed,) = (check for check in await ready.checks() if not check.ok)
    assert failed == Check("files", False, "no file can be created in the data folder")
    (tmp_path / "data").unlink()
    assert all(check.ok for check in await ready.checks())


async def test_the_application_checks_its_data_folder(cast: Cast) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(cast.engine)), base_url="http://koine.test"
    ) as client:
        response = await client.get("/readyz")
    assert {"name": "files", "ok": True, "reason": ""} in response.json()["checks"]


async def test_further_checks_can_be_added(db: Database) -> None:
    async def more() -> list[Check]:
        return [Check("bus", False, "not joined")]

    assert await failing(db, more=[more]) == {"bus": "not joined"}
