"""Replace a database and its uploads by a backup."""

from pathlib import Path

from koine.kit import private_files
from koine.kit.settings import Settings
from koine.server.backup.manifest import DATABASE, BackupManifest
from koine.server.backup.verify import differences, unpack_and_open
from koine.server.database import database_backup, open_database
from koine.server.move import marks
from koine.store import schema
from koine.store.backup import BackupError
from koine.store.core.db import Tx
from koine.store.events import event_log_state


async def restore(
    settings: Settings, path: Path, folder: Path, *, force: bool
) -> tuple[BackupManifest, list[str]]:
    """Unpack a backup into `folder` and replace the database and the uploads of the settings;
    returns the manifest and the differences from it, each a sentence.

    An older database is migrated. The event log begins a new epoch, because positions after the
    backup are used a second time and old cursors would point to other events. A backup of a server
    that was moved, or was being moved, loses the mark of it: who restores it wants to serve it.
    Raises BadBackup, BackupError (also when a server uses the database, or it is not empty and not
    `force`), StartupError, Unavailable.
    """
    manifest = unpack_and_open(settings, path, folder)
    database = database_backup(settings)
    async with database.exclusive():
        if not force and not await database.is_empty():
            raise BackupError("the database is not empty: --force replaces its contents")
        _copy_uploads(folder / "files", Path(settings.data_dir) / "files")
        await database.restore(folder / DATABASE)
        await _migrate_and_open(settings)
        async with database.open_database() as select:
            data = Path(settings.data_dir)
            return manifest, await differences(select, manifest, data, migrated=True)


async def _migrate_and_open(settings: Settings) -> None:
    db = await open_database(settings)
    try:
        await schema.migrate(db)
        await db.write("", _open)
    finally:
        await db.close()


async def _open(tx: Tx) -> None:
    await event_log_state.new_epoch(tx)
    await marks.delete_source_mark(tx)


def _copy_uploads(source: Path, target: Path) -> None:
    """Copy the uploads that `target` does not have. An upload never changes after it was stored."""
    for file in sorted(source.glob("*/*/*")):
        private_files.copy(file, target / file.relative_to(source), target)
