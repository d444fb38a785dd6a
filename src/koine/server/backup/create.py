"""Make a backup while servers use the database."""

import tempfile
from pathlib import Path

from koine import __version__
from koine.engine.conversations.files import relative_path
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.kit.times import iso_ms
from koine.server.backup.manifest import DATABASE, Manifest
from koine.server.backup.tar import ArchiveWriter, write_archive
from koine.server.database import database_backup


async def back_up(settings: Settings, path: Path) -> Path:
    """Write an archive to `path`, or to a new file in it if it is a folder; returns its path.

    The archive contains everything that was acknowledged before the call. The database is copied
    before the uploads: an upload is on disk before its row is committed, so the file of each row in
    the copy is there, unless it was deleted since. Raises BackupError.
    """
    now = SystemClock().now()
    if path.is_dir():
        path /= f"koine-{iso_ms(now).replace('-', '').replace(':', '')}.tar"
    database = database_backup(settings)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".koine-") as folder:
        copy = Path(folder) / DATABASE
        contents = await database.create(copy)
        with write_archive(path) as archive:
            with copy.open("rb") as file:
                archive.add(DATABASE, file)
            deleted = [key for key in contents.files if not _add_upload(archive, settings, key)]
            archive.finish(
                Manifest(
                    koine=__version__,
                    created_at=iso_ms(now),
                    kind=database.kind,
                    stats=contents.stats,
                    members=archive.members,
                    deleted=deleted,
                )
            )
    return path


def _add_upload(archive: ArchiveWriter, settings: Settings, key: str) -> bool:
    """Add an upload; False if it was deleted in the meantime."""
    try:
        with (Path(settings.data_dir) / relative_path(key)).open("rb") as file:
            archive.add(relative_path(key).as_posix(), file)
    except FileNotFoundError:
        return False
    return True
