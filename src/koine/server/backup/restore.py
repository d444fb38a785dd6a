"""Put a backup in the place of a database."""

import filecmp
import os
import shutil
from pathlib import Path

from koine.kit import private_files
from koine.kit.settings import Settings
from koine.server.backup.manifest import DATABASE, Manifest
from koine.server.backup.tar import sync_folder
from koine.server.backup.verify import differences, unpack_and_open
from koine.server.database import database_backup, open_database
from koine.store import schema
from koine.store.backup import BackupError
from koine.store.events import event_log_state


async def restore(
    settings: Settings, path: Path, folder: Path, *, force: bool
) -> tuple[Manifest, list[str]]:
    """Restore an archive, unpacked into `folder`, over the database and the uploads of the
    settings; answers how the result differs from what was backed up, a sentence each.

    An older archive is migrated. The event log begins a new epoch: positions come again, and
    cursors of before must not be believed. Raises BadArchive, BackupError (also for a database that
    is served, or has something in it unless `force`), StartupError, Unavailable.
    """
    manifest = unpack_and_open(settings, path, folder)
    copies = database_backup(settings)
    async with copies.exclusive():
        if not force and not await copies.is_empty():
            raise BackupError("there is something in the database already: --force replaces it")
        _move_uploads(folder / "files", Path(settings.data_dir) / "files")
        await copies.restore(folder / DATABASE)
        await _after_restore(settings)
        async with copies.open_database() as ask:
            data = Path(settings.data_dir)
            return manifest, await differences(ask, manifest, data, migrated=True)


async def _after_restore(settings: Settings) -> None:
    db = await open_database(settings)
    try:
        await schema.migrate(db)
        await db.write("", event_log_state.new_epoch)
    finally:
        await db.close()


def _move_uploads(source: Path, target: Path) -> None:
    """Uploads never change: one that is there, byte for byte, stays."""
    for file in sorted(source.glob("*/*/*")):
        kept = target / file.relative_to(source)
        if kept.exists() and filecmp.cmp(file, kept, shallow=False):
            continue
        private_files.make_folders(kept.parent, target)
        part = kept.with_name(f"{kept.name}.part")
        part.unlink(missing_ok=True)
        with file.open("rb") as read, private_files.create(part) as out:
            shutil.copyfileobj(read, out)
            out.flush()
            os.fsync(out.fileno())
        part.rename(kept)
        for folder in kept.parents[:4]:
            sync_folder(folder)
