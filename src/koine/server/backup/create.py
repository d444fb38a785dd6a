"""Make a backup while servers use the database."""

from pathlib import Path

from koine import __version__
from koine.engine.conversations.files import relative_path
from koine.kit import private_files
from koine.kit.clock import SystemClock
from koine.kit.settings import Settings
from koine.kit.times import iso_ms
from koine.server.backup.manifest import DATABASE, BackupManifest
from koine.server.backup.scratch import scratch_folder
from koine.server.backup.server_id import server_id
from koine.server.backup.tar import BackupWriter, write_backup
from koine.server.database import database_backup
from koine.store.backup import BackupError


async def back_up(settings: Settings, target: str) -> Path:
    """Write a backup and return its path: the file `target` if it ends in `.tar`, otherwise a new
    file in the folder `target`, which is created if there is none. No backup is overwritten.

    The backup contains everything that was acknowledged before the call. The database is copied
    before the uploads: an upload is on disk before its row is committed, so the file of each row in
    the copy is there, unless it was deleted since. Raises BackupError.
    """
    now = SystemClock().now()
    path = _new_backup(target, iso_ms(now))
    database = database_backup(settings)
    with scratch_folder(path.parent) as folder:
        server, copy = await server_id(settings), folder / DATABASE
        contents = await database.create(copy)
        try:
            with write_backup(path) as backup:
                with copy.open("rb") as file:
                    backup.add(DATABASE, file)
                deleted = [key for key in contents.files if not _add_upload(backup, settings, key)]
                backup.finish(
                    BackupManifest(
                        koine=__version__,
                        created_at=iso_ms(now),
                        kind=database.kind,
                        server=server,
                        stats=contents.stats,
                        members=backup.members,
                        deleted=deleted,
                    )
                )
        except FileExistsError:
            raise _exists(path) from None
    return path


def backup_name(now: str) -> str:
    """The name of a backup that is made now (ISO 8601)."""
    return f"koine-{now.replace('-', '').replace(':', '')}.tar"


def _new_backup(target: str, now: str) -> Path:
    """The path of the backup to write. Creates the folder `target` if it is missing.

    Raises BackupError.
    """
    path = Path(target)
    is_file = target.endswith(".tar") and not path.is_dir()
    if not path.parent.is_dir():
        raise BackupError(f"the folder {path.parent} does not exist")
    if not is_file:
        if path.exists() and not path.is_dir():
            raise BackupError(f"{path} is a file: name a folder, or a new file that ends in .tar")
        if not path.exists():
            try:
                path.mkdir(mode=0o700, exist_ok=True)
                private_files.sync_folder(path.parent)
            except OSError as error:
                raise BackupError(f"{path} cannot be created: {error.strerror}") from None
        path /= backup_name(now)
    if path.exists():
        raise _exists(path)
    return path


def _exists(path: Path) -> BackupError:
    return BackupError(f"there is a backup already: name another file than {path}")


def _add_upload(backup: BackupWriter, settings: Settings, key: str) -> bool:
    """Add an upload; False if it was deleted in the meantime."""
    try:
        with (Path(settings.data_dir) / relative_path(key)).open("rb") as file:
            backup.add(relative_path(key).as_posix(), file)
    except FileNotFoundError:
        return False
    return True
