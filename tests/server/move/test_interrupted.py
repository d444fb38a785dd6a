"""A move that was interrupted, at whatever point, goes on; and what keeps one from being done."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

import apsw
import pytest
from sqlalchemy import delete, update

from koine.engine.maintenance.orphan_files import OWNER
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings, environment
from koine.server import process_records
from koine.server.database import StartupError, database_name
from koine.server.move import copying, marks, moving
from koine.server.move.marks import MoveProgress
from koine.server.move.obstacles import MoveError, MoveOptions, of_disks
from koine.server.process_records import ProcessRecord
from koine.server.serving import serving_engine
from koine.store import schema, server_values
from koine.store.core.db import Tx
from koine.store.core.statements import Command, param
from koine.store.tables import events, messages
from tests.cast import make_cast
from tests.server.move.places import Places, all_rows, move, opened

WHY = "a test damages a database of its own"
DELETE = Command(delete(messages).where(messages.c.seq == 1), crosses_tenants=WHY)
CHANGE = Command(update(messages).values(content="other"), crosses_tenants=WHY)
NUL = Command(update(events).values(body=param("body")), crosses_tenants=WHY)
KILLED = """
import asyncio, os, signal, sys
from koine.kit.settings import load
from koine.server.move import copying, moving
from koine.server.move.obstacles import MoveOptions

copying.BATCH_ROWS = 3
target = load({"KOINE_DATABASE_URL": sys.argv[1], "KOINE_DATA_DIR": os.environ["KOINE_DATA_DIR"]})

def show(stage, done, total):
    if done >= 8:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(moving.move(load(os.environ), target, MoveOptions(), show))
"""


class Interrupted(Exception):
    """What a test raises in the middle of a move."""


async def run(tx: Tx, /, command: Command, **params: str) -> int:
    return await tx.run(command, **params)


async def change(settings: Settings, command: Command, **params: str) -> None:
    async with opened(settings) as db:
        assert await db.write("", run, command, **params)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 3)


async def interrupt(here: Settings, there: Settings, commits: int = 3) -> None:
    """Begin or continue a move, and interrupt it after so many batches, or in the comparison."""
    left = commits

    def show(stage: str, done: int, total: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Interrupted

    await move(here, there, show)


async def test_a_killed_move_goes_on(places: Places, backend: str, small_batches: None) -> None:
    here, there = places.filled(), places.to(backend)
    before = await all_rows(here)
    command = [sys.executable, "-c", KILLED, there.database_url]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | environment(here))
    assert await process.wait() == -signal.SIGKILL
    async with opened(there) as db:
        progress = await db.read("", marks.get_progress)
    assert progress is not None and sum(progress.done.values()) + progress.rows >= 8
    made = await move(here, there)
    assert made.resumed and await all_rows(there) == before


async def test_it_goes_on_from_each_batch(places: Places, small_batches: None) -> None:
    here, there = places.filled(), places.sqlite("there")
    before, times = await all_rows(here), 0
    while True:
        try:
            await interrupt(here, there, 4)
            break
        except Interrupted:
            times += 1
            for settings in (here, there):
                with pytest.raises(StartupError, match="koine move"):
                    async with serving_engine(settings):
                        pass
        if times > 5:
            await move(here, there)
            break
    assert times > 5
    assert await all_rows(there) == before


async def test_it_completes_after_the_comparison(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = places.filled(), places.sqlite("there")

    async def die(tx: Tx, timeline_id: str) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_open", die)
        with pytest.raises(Interrupted):
            await move(here, there)
    for settings in (here, there):
        with pytest.raises(StartupError, match="koine move"):
            async with serving_engine(settings):
                pass
    made = await move(here, there)
    assert made.resumed and made.tables["messages"].rows
    async with serving_engine(there):
        pass


async def test_the_source_is_not_served_until_that_is_undone(places: Places) -> None:
    here, there = places.filled(), places.sqlite("there")
    await move(here, there)
    with pytest.raises(StartupError, match=f"moved to {database_name(there)}"):
        async with serving_engine(here):
            pass
    with pytest.raises(MoveError, match="was moved to"):
        await move(here, places.sqlite("elsewhere"))
    assert (await moving.undo(here)).to == database_name(there)
    async with serving_engine(here):
        pass
    with pytest.raises(MoveError, match="no server was moved"):
        await moving.undo(here)


async def test_a_move_that_runs_is_not_undone(places: Places, small_batches: None) -> None:
    here, there = places.filled(), places.sqlite("there")
    refused = list[asyncio.Task[object]]()

    def show(stage: str, done: int, total: int) -> None:
        if not refused:
            refused.append(asyncio.create_task(moving.undo(here)))

    await move(here, there, show)
    with pytest.raises(MoveError, match="stop it first"):
        await refused[0]
    async with serving_engine(there):
        pass


async def test_a_half_filled_database_of_another_move_is_emptied_on_demand(
    places: Places, backend: str, small_batches: None
) -> None:
    here, there = places.filled(), places.to(backend)
    with pytest.raises(Interrupted):
        await interrupt(here, there)
    assert (await moving.undo(here)).state == "moving"
    with pytest.raises(MoveError, match=r"half filled by another move.*--restart"):
        await move(here, there)
    made = await move(here, there, restart=True)
    assert not made.resumed and await all_rows(there) == await all_rows(here)


async def test_an_upgrade_in_between_is_for_both_databases(
    places: Places, small_batches: None
) -> None:
    here, there = places.filled(), places.sqlite("there")
    with pytest.raises(Interrupted):
        await interrupt(here, there)
    file = apsw.Connection(there.database_url.removeprefix("sqlite:///"))
    file.execute("UPDATE alembic_version SET version_num = '0001'").fetchall()
    with pytest.raises(MoveError, match=r"tables at 0001.*koine migrate"):
        await move(here, there)
    file.execute(f"UPDATE alembic_version SET version_num = '{schema.head()}'").fetchall()
    file.close()
    assert (await move(here, there)).resumed


@pytest.mark.parametrize("damage", [DELETE, CHANGE])
async def test_a_difference_is_found(
    places: Places, backend: str, damage: Command, small_batches: None
) -> None:
    here, there = places.filled(), places.to(backend)

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "compare":
            raise Interrupted

    with pytest.raises(Interrupted):
        await move(here, there, stop)
    await change(there, damage)
    with pytest.raises(MoveError, match=r"messages has .*--restart"):
        await move(here, there)
    async with opened(there) as db:
        assert await db.read("", marks.get_progress)
    await move(here, there, restart=True)


async def test_only_an_empty_database_is_filled(places: Places, backend: str) -> None:
    here, there = places.sqlite(), places.to(backend)
    for settings in (here, there):
        async with opened(settings) as db:
            await make_cast(db)
    before = await all_rows(there)
    with pytest.raises(MoveError, match=r"not empty.*identities"):
        await move(here, there, restart=True, force=True)
    with pytest.raises(MoveError, match="at this database already"):
        await move(there, there, force=True)
    assert await all_rows(there) == before
    async with opened(here) as db:
        assert await db.read("", marks.get_source_mark) is None


async def test_texts_that_postgres_does_not_store_are_named(places: Places) -> None:
    here = places.filled()
    await change(here, NUL, body="a\0b")
    with pytest.raises(MoveError, match="events has texts with the character NUL"):
        await move(here, places.postgres())
    await move(here, places.sqlite("there"))


@pytest.mark.parametrize("damage", ["created_at = 'soon'", "content = CAST(x'ff41' AS TEXT)"])
async def test_a_value_that_does_not_fit_is_named(places: Places, damage: str) -> None:
    here, there = places.filled(), places.postgres()
    file = apsw.Connection(here.database_url.removeprefix("sqlite:///"))
    file.execute(f"UPDATE messages SET {damage}").fetchall()
    file.close()
    with pytest.raises(MoveError, match="a row of messages cannot be copied: "):
        await move(here, there)


async def test_a_disk_that_is_too_small_is_named(places: Places) -> None:
    target = places.sqlite("there", data="other")
    assert of_disks(target, 1000, 1000) == []
    (found,) = of_disks(target, 1 << 59, 1 << 59)  # both on one disk
    assert str(places.folder) in found and "1073741824.0 GiB are needed" in found
    (found,) = of_disks(places.postgres(), 1 << 60, 1 << 58)
    assert "268435456.0 GiB are needed" in found


async def test_a_data_folder_of_another_database_is_not_filled(places: Places) -> None:
    here, there = places.filled(), places.sqlite("there", data="other")
    (places.folder / "other").mkdir()
    owner = places.folder / "other" / OWNER
    owner.write_text("another database")
    with pytest.raises(MoveError, match="uploads of another database"):
        await move(here, there)
    (places.folder / "data" / OWNER).write_text("another database")  # the server was there before
    await move(here, there)


async def test_a_server_that_runs_keeps_it_from_being_moved(places: Places, backend: str) -> None:
    here = places.to(backend)
    async with opened(here) as db:
        await make_cast(db)
        there = places.sqlite("elsewhere")
        db.claim_serving()
        found = (await moving.check(here, there, MoveOptions())).obstacles
        assert any("stop it first" in each for each in found)
        with pytest.raises(MoveError, match="stop it first"):
            await move(here, there)
    assert not Path(places.folder / "elsewhere.db").exists()


async def test_of_two_moves_into_one_database_one_is_refused(places: Places) -> None:
    here, there = places.filled(), places.postgres()
    other = places.sqlite("other")
    shutil.copy(places.folder / "here.db", places.folder / "other.db")
    made = await asyncio.gather(move(here, there), move(other, there), return_exceptions=True)
    (refused,) = [each for each in made if isinstance(each, BaseException)]
    assert isinstance(refused, MoveError) and "another `koine move`" in str(refused)
    async with serving_engine(there):
        pass


async def test_of_two_moves_from_one_database_one_is_refused(places: Places) -> None:
    here, targets = places.postgres(), [places.sqlite("one"), places.sqlite("two")]
    async with opened(here) as db:
        await make_cast(db)
    moves = (move(here, each, force=True) for each in targets)
    made = await asyncio.gather(*moves, return_exceptions=True)
    (refused,) = [each for each in made if isinstance(each, BaseException)]
    assert isinstance(refused, MoveError) and "another `koine move`" in str(refused)


async def test_a_process_of_the_server_may_have_been_killed(places: Places) -> None:
    here = places.postgres()
    async with opened(here) as db:
        await make_cast(db)
        now = SystemClock().now()
        record = ProcessRecord(
            id="p", node="n1", pid=7, url="", version="", started_at=now, seen_at=now
        )
        await db.write("", process_records.save, record)
    with pytest.raises(MoveError, match=r"process 7 on n1 serves.*--force"):
        await move(here, places.sqlite("there"))
    await move(here, places.sqlite("there"), force=True)
    async with opened(places.sqlite("there")) as db:
        assert await db.read("", process_records.list_all) == []


async def test_a_database_with_the_progress_of_a_move_is_no_source(places: Places) -> None:
    here = places.sqlite()
    async with opened(here) as db:
        await db.write("", marks.put_progress, MoveProgress("m", "elsewhere"))
    with pytest.raises(MoveError, match="half filled by a move from elsewhere"):
        await move(here, places.sqlite("there"))


async def test_no_mark_has_a_password(places: Places) -> None:
    here, there = places.filled(), places.postgres()
    await move(here, there)
    async with opened(here) as db:
        mark = await db.read("", server_values.get, marks.SOURCE_MARK)
    assert mark and database_name(there) in mark and "@" not in mark
