"""Places that settings and commands name: a folder, a backup, or the same in an S3 store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koine.kit.backup_settings import check_place, is_s3
from koine.kit.settings import Settings
from koine.server.backup.s3_target import S3Target
from koine.server.backup.scratch import scratch_folder
from koine.server.backup.target import BackupTarget, FolderTarget
from koine.store.backup import BackupError


def open_s3(settings: Settings, place: str) -> tuple[S3Target, str]:
    """The target that an s3:// place names, and the backup in it, "" for none: a name that ends
    in .tar. Raises BackupError."""
    if reason := check_place(place):
        raise BackupError(f"{place} {reason}")
    prefix, _, name = place.rpartition("/")
    if name.endswith(".tar") and not prefix.endswith("/"):
        return S3Target(settings, prefix), name
    return S3Target(settings, place), ""


def open_place(settings: Settings, place: str) -> tuple[BackupTarget, str]:
    """As `open_s3`, also for the path of a folder or a backup. Raises BackupError."""
    if is_s3(place):
        return open_s3(settings, place)
    path = Path(place)
    if place.endswith(".tar") and not path.is_dir():
        return FolderTarget(path.parent), path.name
    return FolderTarget(path), ""


@contextmanager
def local_backup(settings: Settings, place: str) -> Iterator[tuple[Path, Path]]:
    """The path of a backup, and an empty folder to unpack it in: both beside it, or for one in an
    S3 store in the data folder, where a copy is while the context is open. Raises BackupError."""
    if not is_s3(place):
        path = Path(place)
        if not path.is_file():
            raise BackupError("there is no backup")
        with scratch_folder(path.parent) as folder:
            yield path, folder
        return
    target, name = open_s3(settings, place)
    if not name:
        raise BackupError("this is no backup: add its name, which ends in .tar")
    with data_scratch(settings) as folder:
        copy = folder / name
        target.download(name, copy)
        unpacked = folder / "unpacked"
        unpacked.mkdir()
        yield copy, unpacked


@contextmanager
def data_scratch(settings: Settings) -> Iterator[Path]:
    """A temporary folder in the data folder, which is created if there is none."""
    data = Path(settings.data_dir)
    data.mkdir(parents=True, exist_ok=True)
    with scratch_folder(data) as folder:
        yield folder
