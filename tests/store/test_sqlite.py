"""Behaviour of SQLite alone: the writer thread, snapshots, one serving process."""

import asyncio
import itertools
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from koine.kit.ids import new_id
from koine.model.errors import Unavailable
from koine.store.core.db import AlreadyServed, CannotConnect, Tx
from koine.store.sqlite import SqliteDatabase
from koine.store.sqlite.backup import SqliteBackup
from koine.store.sqlite.connection import lock_wait
from tests.store import scratch
from tests.store.scratch import add, names

T = new_id()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = await SqliteDatabase.open(tmp_path / "made" / "koine.db")
    await scratch.make_table(opened)
    yield opened
    await opened.close()


async def test_transactions_queued_together_share_one_commit(db: SqliteDatabase) -> None:
    commits = itertools.count()
    db._writer._connection.set_commit_hook(lambda: next(commits) < 0)

    await asyncio.gather(*(db.write(T, add, f"n{i}") for i in range(100)))
    assert next(commits) <= 3
    assert len(await db.read(T, names)) == 100


async def test_a_transaction_that_awaits_something_else_fails_alone(db: SqliteDatabase) -> None:
    async def sleepy(tx: Tx) -> None:
        await names(tx)
        await asyncio.sleep(0)

    done = await asyncio.gather(
        db.write(T, add, "a"), db.write(T, sleepy), db.write(T, add, "b"), return_exceptions=True
    )
    assert isinstance(done[1], RuntimeError)
    assert await db.read(T, names) == ["a", "b"]
    with pytest.raises(RuntimeError, match="awaits"):
        await db.read(T, sleepy)


async def test_a_read_transaction_sees_one_snapshot(db: SqliteDatabase, tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "made" / "koine.db"))

    async def twice(tx: Tx) -> tuple[list[str], list[str]]:
        before = await names(tx)
        other.execute("INSERT INTO things (tenant_id, id, name) VALUES (?, 'x', 'new')", (T,))
        return before, await names(tx)

    assert await db.read(T, twice) == ([], [])
    assert await db.read(T, names) == ["new"]


async def test_a_batch_that_cannot_be_committed_fails_whole(db: SqliteDatabase) -> None:
    await db.write(T, add, "before")
    db._writer._connection.set_commit_hook(lambda: True)  # true: the commit is refused
    done = await asyncio.gather(
        *(db.write(T, add, f"n{i}") for i in range(5)), return_exceptions=True
    )
    assert [type(each) for each in done] == [Unavailable] * 5
    db._writer._connection.set_commit_hook(None)
    await db.write(T, add, "later")
    assert await db.read(T, names) == ["before", "later"]


async def test_a_full_disk_is_unavailable_until_there_is_space(db: SqliteDatabase) -> None:
    connection = db._writer._connection
    pages = connection.execute("PRAGMA page_count").get
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.raises(Unavailable):
        await db.write(T, add, "x" * 1_000_000)
    connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    await db.write(T, add, "y")
    assert await db.read(T, names) == ["y"]


async def test_after_a_full_disk_the_wal_is_checkpointed_before_it_grows(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    wal = tmp_path / "made" / "koine.db-wal"
    await db.write(T, add, "x" * 1_000_000)
    connection = db._writer._connection
    pages = connection.execute("PRAGMA page_count").get
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.raises(Unavailable):
        await db.write(T, add, "z" * 1_000_000)
    assert wal.stat().st_size > 1_000_000
    connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    await db.write(T, add, "y")
    assert wal.stat().st_size < 100_000


async def test_a_locked_file_is_unavailable_for_writers_alone(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    db._writer._connection.set_busy_timeout(1)
    other = apsw.Connection(str(tmp_path / "made" / "koine.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await db.write(T, add, "a")
    assert await db.read(T, names) == []
    other.execute("ROLLBACK")
    await db.write(T, add, "b")


async def test_a_caller_cancelled_in_the_queue_writes_nothing(db: SqliteDatabase) -> None:
    task = asyncio.ensure_future(db.write(T, add, "a"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.read(T, names) == []


async def test_what_is_queued_is_written_before_closing(tmp_path: Path) -> None:
    db = await SqliteDatabase.open(tmp_path / "koine.db")
    await scratch.make_table(db)
    writes = [asyncio.ensure_future(db.write(T, add, f"n{i}")) for i in range(300)]
    await asyncio.sleep(0)
    await db.close()
    assert len(await asyncio.gather(*writes)) == 300
    with pytest.raises(Unavailable):
        await db.write(T, add, "late")


async def test_one_process_serves_and_others_may_read(db: SqliteDatabase, tmp_path: Path) -> None:
    db.claim_serving()
    other = await SqliteDatabase.open(tmp_path / "made" / "koine.db")
    with pytest.raises(AlreadyServed, match=r"koine\.db"):
        other.claim_serving()
    await other.write(T, add, "from beside")
    assert await db.read(T, names) == ["from beside"]
    await db.close()
    other.claim_serving()
    await other.close()


READ_BY_ANOTHER = """
import sqlite3, sys
opened = sqlite3.connect(sys.argv[1])
print(*(name for name, in opened.execute("SELECT name FROM things ORDER BY name")))
opened.close()
"""


async def test_another_program_that_reads_the_file_does_not_delete_the_wal(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    """It would, if this process held no lock on the file: the last one to close deletes it, and
    what is written later would be in a file without a name."""
    path = tmp_path / "made" / "koine.db"

    def read() -> str:
        command = [sys.executable, "-c", READ_BY_ANOTHER, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    await db.write(T, add, "a")
    assert read() == "a\n"
    async with db.snapshot(), db.bulk_writer():  # they open the file and close it
        pass
    assert await SqliteBackup(path).is_empty()  # so does this
    wal = path.with_name("koine.db-wal").stat().st_ino
    assert read() == "a\n"
    await db.write(T, add, "b")
    assert read() == "a b\n"
    assert path.with_name("koine.db-wal").stat().st_ino == wal


CHECKPOINTS = """
import fcntl, sys, time
with open(sys.argv[1], "r+b") as shared_memory:
    fcntl.lockf(shared_memory, fcntl.LOCK_EX, 1, 121)  # WAL_CKPT_LOCK
    print("locked", flush=True)
    time.sleep(0.3)
"""


async def test_compaction_waits_for_the_checkpoint_of_another_process(
    db: SqliteDatabase, tmp_path: Path
) -> None:
    def lock() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", CHECKPOINTS, str(tmp_path / "made" / "koine.db-shm")]
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert other.stdout is not None and other.stdout.readline() == "locked\n"
        return other

    await db.write(T, add, "a")
    with lock():
        await db.compact()
    assert await db.read(T, names) == ["a"]


async def test_the_wal_is_checkpointed(db: SqliteDatabase) -> None:
    await db.write(T, add, "x" * 100_000)
    db._checkpointer._checkpoint(is_large=True)
    assert db._checkpointer._wal.stat().st_size == 0
    assert await db.read(T, names) == ["x" * 100_000]


async def test_writers_do_not_wait_for_a_long_read(db: SqliteDatabase) -> None:
    checkpointer = db._checkpointer
    async with db.snapshot():
        await db.write(T, add, "x" * 100_000)
        began = time.monotonic()
        checkpointer._checkpoint(is_large=True)
        assert time.monotonic() - began < 2
        assert checkpointer._wal.stat().st_size > 0
        assert checkpointer._empty_at > began  # it is tried again later
    checkpointer._empty_at = 0.0
    checkpointer._checkpoint(is_large=True)
    assert checkpointer._wal.stat().st_size == 0


async def test_only_the_owner_may_read_the_file(db: SqliteDatabase, tmp_path: Path) -> None:
    for file in (tmp_path / "made").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_a_commit_waits_for_the_disk(db: SqliteDatabase) -> None:
    ask = db._writer._connection.execute
    assert ask("PRAGMA synchronous").get == 2
    assert ask("PRAGMA journal_mode").get == "wal"
    assert ask("PRAGMA foreign_keys").get == 1
    assert ask("PRAGMA mmap_size").get in (0, None)


async def test_a_file_that_is_no_database_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "koine.db").write_text("not a database, but long enough to be taken for one" * 50)
    with pytest.raises(CannotConnect, match="not a database") as refused:
        await SqliteDatabase.open(tmp_path / "koine.db")
    assert not refused.value.may_pass


def test_a_lock_is_looked_for_often_and_not_for_ever() -> None:
    wait = lock_wait(0.1)
    assert sum(1 for _ in itertools.takewhile(wait, itertools.count())) >= 20
    assert wait(0)  # the next wait begins anew
