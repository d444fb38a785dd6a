"""The status of a server, read from its database."""

from pathlib import Path

import pytest
from msgspec import structs

from koine.cli.status_screen import plain
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings, load
from koine.kit.times import SECOND
from koine.server import process_records
from koine.server.backup.record import record_created, record_verified
from koine.server.database import open_database
from koine.server.preflight import Finding
from koine.server.process_records import LATE_SECONDS, ProcessRecord
from koine.server.status import read_status
from koine.store import schema
from tests.cast import make_cast
from tests.support.shared_postgres import SharedPostgres

PROBLEM = Finding("problem", "disk", "is full")


@pytest.fixture
def settings(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    given: dict[str, object] = {"data_dir": str(tmp_path)}
    if backend == "postgres":
        shared: SharedPostgres = request.getfixturevalue("shared_postgres")
        given["database_url"] = shared.new_empty_database()
    return load({}, given)


async def fill(settings: Settings, *records: ProcessRecord) -> None:
    db = await open_database(settings)
    await schema.migrate(db)
    await make_cast(db)
    for record in records:
        await db.write("", process_records.save, record)
    await db.close()


def record(name: str, age: int = 0, **more: object) -> ProcessRecord:
    now = SystemClock().now()
    made = ProcessRecord(
        id=name,
        node="host",
        pid=7,
        url="127.0.0.1:8420",
        version="0.1.0",
        started_at=now - 7200 * SECOND,
        seen_at=now - age * SECOND,
        streams=2,
        sends_per_second=1.5,
    )
    return structs.replace(made, **more)


async def test_processes_that_serve_are_added_up(settings: Settings, tmp_path: Path) -> None:
    gone = record("gone", age=300)
    await fill(settings, record("a"), record("b", failing=["events"]), gone)
    backup = tmp_path / "koine-1.tar"
    backup.write_bytes(b"0" * 2048)
    assert await record_created(settings, backup) == await record_verified(settings) == ""
    status = await read_status(settings, [PROBLEM])
    assert status.summary == "2 processes serve on 1 node, 1 of them not ready"
    assert (status.streams, status.sends_per_second) == (4, 3.0)
    assert status.database.schema == status.database.known_schema
    assert status.tenants == 2 and status.webhooks is not None and status.webhooks.pending == 0
    assert status.backup is not None and status.backup.file == "koine-1.tar"
    text = plain(status)
    for said in (
        "pid 7 127.0.0.1:8420 (0.1.0): ready, up 2 h, 2 streams, 1.5 sends/s",
        "not ready: events",
        "gone, last seen 5 min ago",
        "streams    4 open",
        "koine-1.tar, 2.0 KiB, 0",
        "problem disk: is full",
    ):
        assert said in text, text


async def test_without_a_server_the_database_is_enough(settings: Settings) -> None:
    await fill(settings)
    status = await read_status(settings, [])
    assert not status.serving and status.tenants == 2
    assert status.summary == "no process serves; this is what the database alone knows"
    assert "backup     never: koine backup FOLDER" in plain(status)
    await fill(settings, record("a", age=100))
    assert (await read_status(settings, [])).summary.startswith(
        "no process serves; the last one was seen 10"
    )


async def test_a_database_that_is_not_there_is_not_created(tmp_path: Path) -> None:
    status = await read_status(load({}, {"data_dir": str(tmp_path)}), [])
    assert status.summary == "the database cannot be read: there is no database yet"
    assert status.webhooks is None and status.backup is None
    assert list(tmp_path.iterdir()) == []


async def test_a_database_server_that_is_down_is_said(tmp_path: Path) -> None:
    url = "postgresql://u:secret@127.0.0.1:1/x"
    status = await read_status(load({}, {"data_dir": str(tmp_path), "database_url": url}), [])
    assert status.database.error and "secret" not in plain(status)
    assert status.disk is not None


async def test_tables_of_an_older_version_are_said(settings: Settings) -> None:
    db = await open_database(settings)
    await db.alter_schema(
        lambda _: (
            "CREATE TABLE alembic_version (version_num TEXT);"
            "INSERT INTO alembic_version VALUES ('0001');"
        )
    )
    await db.close()
    status = await read_status(settings, [])
    assert status.database.schema == "0001" and "0001" in status.database.error
    assert "this program knows" in plain(status)


async def test_a_process_that_was_killed_is_gone_although_its_record_is_fresh(
    settings: Settings, killed: int
) -> None:
    here = process_records.own_pid_space()
    await fill(
        settings,
        record("killed", pid=killed, pid_space=here, failing=["draining"]),
        record("late", age=LATE_SECONDS + 2, failing=["draining"]),
        record("elsewhere", pid=killed, pid_space="another machine"),
    )
    status = await read_status(settings, [])
    assert status.summary == "2 processes serve on 1 node, 1 of them not ready"
    lines = plain(status).splitlines()
    (gone,) = (line for line in lines if "gone" in line)
    assert f"pid {killed}" in gone and "gone, last seen" in gone and "draining" not in gone
    (late,) = (line for line in lines if "draining" in line)
    assert "not ready: draining when last seen, 2" in late
