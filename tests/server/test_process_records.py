"""The records of serving processes in the database."""

import os

import pytest
from msgspec import structs

from koine.kit.times import SECOND
from koine.server import process_records
from koine.server.process_records import (
    FRESH_SECONDS,
    KEEP_SECONDS,
    ProcessRecord,
    own_pid_space,
)
from koine.store import server_values
from koine.store.core.db import Database

NOW = 1_790_000_000 * SECOND
ONE = ProcessRecord(
    id="one", node="a", pid=1, url="a:1", version="1", started_at=NOW, seen_at=NOW, streams=3
)
TWO = structs.replace(ONE, id="two", node="b")


async def test_processes_are_listed_until_they_are_removed(empty_db: Database) -> None:
    for record in (TWO, ONE, structs.replace(ONE, streams=5)):
        await empty_db.write("", process_records.save, record)
    assert await empty_db.read("", process_records.list_all) == [
        structs.replace(ONE, streams=5), TWO,
    ]  # fmt: skip
    await empty_db.write("", process_records.remove, "one")
    assert await empty_db.read("", process_records.list_all) == [TWO]


async def test_a_record_is_fresh_for_some_seconds() -> None:
    assert ONE.is_fresh(NOW + FRESH_SECONDS * SECOND)
    assert not ONE.is_fresh(NOW + FRESH_SECONDS * SECOND + 1)


def test_a_process_of_this_machine_serves_until_it_has_ended(killed: int) -> None:
    here = structs.replace(ONE, pid=os.getpid(), pid_space=own_pid_space())
    assert here.serves(NOW) and not here.serves(NOW + FRESH_SECONDS * SECOND + 1)
    assert not structs.replace(here, pid=killed).serves(NOW)
    for unknown in ("", "another machine"):
        assert structs.replace(here, pid=killed, pid_space=unknown).serves(NOW)


async def test_records_of_processes_that_are_gone_are_deleted(
    empty_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + KEEP_SECONDS * SECOND + 1
    for record in (ONE, structs.replace(TWO, seen_at=later)):
        await empty_db.write("", process_records.save, record)
    assert await empty_db.write("", process_records.delete_old, later) == 1
    assert [each.id for each in await empty_db.read("", process_records.list_all)] == ["two"]
    monkeypatch.setattr(process_records, "MAX_RECORDS", 0)
    assert await empty_db.write("", process_records.delete_old, later) == 1


async def test_a_record_of_another_version_is_left_out(empty_db: Database) -> None:
    await empty_db.write("", server_values.put, "process:x", '{"node": 5}')
    await empty_db.write("", process_records.save, ONE)
    assert await empty_db.read("", process_records.list_all) == [ONE]
