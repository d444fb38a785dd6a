"""Make a backup, beside the running server."""

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
    """Write an archive to `path`, or into it if it is a folder; answers where it is.

    The database is copied first: every upload that the copy has a row of was on disk before, and
    is copied after it. What was acknowledged before this was called is in it. Raises BackupError.
    """
    now = SystemClock().now()
    if path.is_dir():
        path /= f"koine-{iso_ms(now).replace('-', '').replace(':', '')}.tar"
    copies = database_backup(settings)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".koine-") as folder:
        copy = Path(folder) / DATABASE
        taken = await copies.create(copy)
        with write_archive(path) as archive:
            with copy.open("rb") as file:
                archive.add(DATABASE, file)
            gone = [key for key in taken.files if not _add_upload(archive, settings, key)]
            archive.finish(
                Manifest(
                    koine=__version__,
                    made_at=iso_ms(now),
                    kind=copies.kind,
                    facts=taken.stats,
                    parts=archive.parts,
                    gone=gone,
                )
            )
    return path


def _add_upload(archive: ArchiveWriter, settings: Settings, key: str) -> bool:
    """Whether the upload was there to be added."""
    try:
        with (Path(settings.data_dir) / relative_path(key)).open("rb") as file:
            archive.add(relative_path(key).as_posix(), file)
    except FileNotFoundError:
        return False
    return True
