"""Backups: created under load, restored elsewhere, and verified."""

import asyncio
import os
import random
import shutil
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from chaos.consistency_check import ConsistencyCheck
from chaos.retrying_senders import RetryingSenders
from chaos.seed import home_engine, seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, nodes
from koine.engine.conversations import files
from koine.kit.settings import Settings
from koine.model.message import Attachment
from koine.server.backup.create import back_up
from koine.server.backup.manifest import BackupManifest, BadBackup, encode
from koine.server.backup.restore import restore
from koine.server.backup.tar import unpack, write_backup
from koine.server.backup.verify import differences, verify
from koine.server.database import StartupError, database_backup, open_database
from koine.server.move import marks
from koine.server.move.marks import MoveProgress, SourceMark
from koine.server.serving import serving_engine
from koine.store import schema
from koine.store.backup import BackupError
from koine.store.events import event_log_state
from tests.engine.conversations.test_files import Bytes
from tests.support.databases import with_tables
from tests.support.shared_postgres import SharedPostgres

BACKUPS = 4
PAUSE_SECONDS = 0.01
"""Between two sends of a client: enough of them remain, and the backups get their turn."""


class Place:
    """A database, and a folder for backups and restored databases."""

    def __init__(self, folder: Path, backend: str, shared: SharedPostgres) -> None:
        self.folder = folder
        self._shared = shared if backend == "postgres" else None
        url = self._shared.new_database(with_tables) if self._shared else ""
        self.home = ServerHome(folder / "home", url)

    def another(self, name: str) -> ServerHome:
        url = self._shared.new_empty_database() if self._shared else ""
        return ServerHome(self.folder / name, url)

    def settings(self, home: ServerHome) -> Settings:
        programs = self._shared.programs() if self._shared else ""
        return home.settings({"postgres_programs": programs})

    async def back_up(self) -> Path:
        """Make another backup, in the folder `backups`."""
        # In a thread, as the command is a process: the load's clients have this loop.
        work = back_up(self.settings(self.home), str(self.folder / "backups"))
        return await asyncio.to_thread(asyncio.run, work)

    async def verify(self, path: Path) -> list[str]:
        with_parts = self.fresh()
        return (await verify(self.settings(self.home), path, with_parts))[1]

    async def restore(self, path: Path, home: ServerHome, *, force: bool = False) -> list[str]:
        return (await restore(self.settings(home), path, self.fresh(), force=force))[1]

    def fresh(self) -> Path:
        shutil.rmtree(self.folder / "parts", ignore_errors=True)
        (self.folder / "parts").mkdir()
        return self.folder / "parts"


@pytest.fixture
def place(tmp_path: Path, backend: str, shared_postgres: SharedPostgres) -> Place:
    return Place(tmp_path, backend, shared_postgres)


async def test_backups_under_load_hold_what_was_acknowledged(place: Place) -> None:
    tenant, check = await seed(place.home, 50), ConsistencyCheck()
    async with nodes(place.home) as (server,):
        load = load_of(server, tenant, check, 1)
        load.start()
        for n in range(BACKUPS):
            await until_acknowledged(check, 20 * (n + 1))
            acknowledged = set(check.acknowledged)
            path = await place.back_up()
            wrong, keys = await looked_at(place, path)
            assert wrong == [] and acknowledged <= keys
        await load.finish()
    assert len(check.acknowledged) > BACKUPS


async def until_acknowledged(check: ConsistencyCheck, count: int) -> None:
    """Wait until so many sends are acknowledged in all."""
    async with asyncio.timeout(60):
        while len(check.acknowledged) < count:  # noqa: ASYNC110  # the load has no event for it
            await asyncio.sleep(0.01)


async def test_a_restored_database_has_all_acknowledged_messages(place: Place) -> None:
    tenant, check = await seed(place.home, 20), ConsistencyCheck()
    async with nodes(place.home) as (server,):
        load = load_of(server, tenant, check, 2)
        load.start()
        await until_acknowledged(check, 50)
        acknowledged = dict(check.acknowledged)
        path = await place.back_up()
        await load.finish()
    elsewhere = place.another("elsewhere")
    assert await place.restore(path, elsewhere) == []
    check.acknowledged = acknowledged
    result = await check.compare(elsewhere, tenant)
    assert result.ok and result.acknowledged, result
    async with nodes(elsewhere) as (server,):
        assert await server.is_ready()


async def test_a_restored_log_begins_a_new_epoch(place: Place) -> None:
    await seed(place.home, 1)
    before = await epoch(place, place.home)
    elsewhere = place.another("elsewhere")
    await place.restore(await place.back_up(), elsewhere)
    assert await epoch(place, elsewhere) != before


async def test_an_older_backup_is_migrated(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(schema, "_MIGRATIONS", first_migration(place.folder))
        place.home = place.another("older")
        await migrated(place.settings(place.home))
        path = await place.back_up()
    elsewhere = place.another("elsewhere")
    assert head(place, path) == "0001" != schema.head()
    assert await place.restore(path, elsewhere) == []
    assert await migrated(place.settings(elsewhere)) == schema.head()


async def test_a_backup_has_the_uploads(place: Place) -> None:
    kept, _ = await two_uploads(place)
    elsewhere = place.another("elsewhere")
    assert await place.restore(await place.back_up(), elsewhere) == []
    async with home_engine(elsewhere) as engine:
        found = await files.open_by_key(engine, kept.key)
        assert [chunk async for chunk in found.part(0, found.file.size)] == [b"kept"]


async def test_a_damaged_upload_is_restored(place: Place) -> None:
    kept, _ = await two_uploads(place)
    path, upload = await place.back_up(), place.home.folder / "data" / files.relative_path(kept.key)
    upload.write_bytes(b"kepX")
    assert await place.restore(path, place.home, force=True) == []
    assert upload.read_bytes() == b"kept"
    assert stat.S_IMODE(upload.stat().st_mode) == 0o600


async def test_an_upload_deleted_meanwhile_is_reported_and_no_difference(place: Place) -> None:
    _, gone = await two_uploads(place)
    (place.home.folder / "data" / files.relative_path(gone.key)).unlink()
    path = await place.back_up()
    assert await place.verify(path) == []
    assert unpack(path, place.fresh()).deleted == [gone.key]


async def test_only_its_owner_reads_a_backup_and_nothing_is_left_over(place: Place) -> None:
    await seed(place.home, 1)
    path = await place.back_up()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_backup_does_not_replace_a_file_that_was_written_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with pytest.raises(FileExistsError), write_backup(path):
        path.write_text("another backup")
    assert path.read_text() == "another backup"
    assert list(tmp_path.iterdir()) == [path]


async def test_a_database_with_something_in_it_is_not_replaced_unasked(place: Place) -> None:
    await seed(place.home, 1)
    path = await place.back_up()
    await seed(place.home, 3)
    with pytest.raises(BackupError, match="--force"):
        await place.restore(path, place.home)
    assert await place.restore(path, place.home, force=True) == []


async def test_a_served_database_is_not_replaced(place: Place) -> None:
    await seed(place.home, 1)
    path = await place.back_up()
    async with nodes(place.home):
        with pytest.raises(BackupError, match="stop it first"):
            await place.restore(path, place.home, force=True)


@pytest.mark.parametrize("state", ["moving", "moved"])
async def test_a_backup_of_a_server_that_was_moved_is_served_where_it_is_restored(
    place: Place, state: Literal["moving", "moved"]
) -> None:
    await seed(place.home, 1)
    await write(place, place.home, marks.put_source_mark, SourceMark("m", state, "there", 1))
    elsewhere = place.another("elsewhere")
    assert await place.restore(await place.back_up(), elsewhere) == []
    async with serving_engine(place.settings(elsewhere)):
        pass
    with pytest.raises(StartupError, match="moved to there"):
        async with serving_engine(place.settings(place.home)):
            pass


async def test_a_database_that_a_move_filled_in_part_is_not_backed_up(place: Place) -> None:
    await seed(place.home, 1)
    await write(place, place.home, marks.put_progress, MoveProgress("m", "there"))
    with pytest.raises(BackupError, match="not complete"):
        await place.back_up()


async def test_a_changed_backup_is_refused(place: Place) -> None:
    await seed(place.home, 1)
    path = await place.back_up()
    body = bytearray(path.read_bytes())
    body[1024] ^= 1
    path.write_bytes(body)
    with pytest.raises(BadBackup, match="digest differs"):
        await place.verify(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
async def test_a_truncated_backup_is_refused(place: Place, share: float) -> None:
    await seed(place.home, 1)
    path = await place.back_up()
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(BadBackup, match="cut off"):
        await place.verify(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "format 2 \\(Koine"),
        (
            {"facts": {"schema": "9999", "tables": {}, "position": 0}},
            "its schema 9999",
        ),
        ({"kind": "paper"}, "KOINE_DATABASE_URL"),
        ({"parts": {}}, "database is not in the manifest"),
    ],
)
async def test_a_backup_of_another_koine_is_refused(
    place: Place, change: dict[str, object], reason: str
) -> None:
    await seed(place.home, 1)
    path = again(place, await place.back_up(), change)
    with pytest.raises(BadBackup, match=reason):
        await place.verify(path)


async def test_a_count_that_is_not_the_manifests_is_a_difference(place: Place) -> None:
    await seed(place.home, 2)
    path = await place.back_up()
    tables = {"conversations": 3, "tenants": 1}
    path = again(
        place, path, {"facts": {"schema": head(place, path), "tables": tables, "position": 0}}
    )
    wrong = await place.verify(path)
    assert wrong[0] == "conversations: rows backed up: 3, there: 2"
    assert wrong[1].startswith("the newest event is")


async def test_a_gap_is_a_difference_unless_retention_made_it(place: Place) -> None:
    await seed(place.home, 2)
    async with home_engine(place.home) as engine:
        await engine.db.alter_schema(
            lambda _: "UPDATE conversations SET last_seq = last_seq + 1 WHERE number = 1"
        )
    (gap,) = await place.verify(await place.back_up())
    assert "0 messages numbered 1 to 0, the last should be 1" in gap
    async with home_engine(place.home) as engine:
        await engine.db.alter_schema(lambda _: "UPDATE conversations SET deleted_seq = last_seq")
    assert await place.verify(await place.back_up()) == []


# ---------------------------------------------------------------- helpers


async def write(
    place: Place, home: ServerHome, operation: Callable[..., Awaitable[None]], *args: object
) -> None:
    """Run an operation in the database of a server that does not run."""
    db = await open_database(place.settings(home))
    try:
        await db.write("", operation, *args)
    finally:
        await db.close()


def load_of(
    server: Server, tenant: SeededTenant, check: ConsistencyCheck, seed: int
) -> RetryingSenders:
    sends = Sends(tenant, random.Random(seed))
    return RetryingSenders(server.port, sends, check, clients=4, pause_s=PAUSE_SECONDS)


async def looked_at(place: Place, path: Path) -> tuple[list[str], set[str]]:
    """How a backup differs from its manifest, and the keys of the sends whose messages are in
    it: `verify`, with one restoring for both."""
    folder = place.fresh()
    manifest = unpack(path, folder)
    async with database_backup(place.settings(place.home)).open_backup(folder / "database") as ask:
        wrong = await differences(ask, manifest, folder)
        found = await ask("SELECT content FROM messages WHERE content IS NOT NULL")
    return wrong, {str(content).split(" ")[0] for (content,) in found}


def first_migration(folder: Path) -> Path:
    """A folder of migrations that ends with the first."""
    made = shutil.copytree(schema._MIGRATIONS, folder / "migrations")
    for file in (made / "versions").glob("[0-9]*.py"):
        if not file.name.startswith("0001"):
            file.unlink()
    return made


async def migrated(settings: Settings) -> str | None:
    """Open the database of the settings as it was, then migrate it; where it was before."""
    Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
    db = await open_database(settings)
    try:
        before = await db.version()
        await schema.migrate(db)
        return before
    finally:
        await db.close()


async def epoch(place: Place, home: ServerHome) -> str:
    db = await open_database(place.settings(home))
    try:
        return await db.write("", event_log_state.epoch, await db.timeline_id())
    finally:
        await db.close()


async def two_uploads(place: Place) -> tuple[Attachment, Attachment]:
    tenant: SeededTenant = await seed(place.home, 1)
    async with home_engine(place.home) as engine:
        kept = await files.save(engine, tenant.tenant_id, None, Bytes(b"kept"))
        return kept, await files.save(engine, tenant.tenant_id, None, Bytes(b"gone"))


def again(place: Place, path: Path, change: dict[str, object]) -> Path:
    """The backup with another manifest."""
    folder = place.fresh()
    manifest = msgspec.to_builtins(unpack(path, folder)) | change
    path.unlink()
    with write_backup(path) as backup, (folder / "database").open("rb") as file:
        backup.add("database", file)
        backup.finish(msgspec.convert(manifest, BackupManifest))
    assert encode(msgspec.convert(manifest, BackupManifest))
    return path


def head(place: Place, path: Path) -> str:
    return unpack(path, place.fresh()).stats.schema
