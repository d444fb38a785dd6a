"""Temporary folders of backups, which do not pile up when processes are killed."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from koine.store.backup import BackupError

_PREFIX = ".koine-"
_PART = f"{_PREFIX}*.part"
_NEW_SECONDS = 60
"""A folder that is younger may not be locked yet."""
_PART_SECONDS = 3600
"""A file that nobody has written to for so long is of a process that was killed."""


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent`, removed in the end. Those of processes that were killed are removed
    before: a folder is locked for as long as its process lives. Raises BackupError if there can be
    none."""
    _remove_stale(parent)
    try:
        made = tempfile.TemporaryDirectory(dir=parent, prefix=_PREFIX)
    except OSError as error:
        raise BackupError(
            f"no file can be created in the folder {parent}: {error.strerror}"
        ) from None
    with made as name:
        opened = os.open(name, os.O_RDONLY)
        try:
            # A network drive may have no locks: then nothing there counts as stale either.
            with suppress(OSError):
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Path(name)
        finally:
            os.close(opened)


def _remove_stale(parent: Path) -> None:
    now = time.time()
    for each in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            age = now - each.lstat().st_mtime
            if each.is_dir() and not each.is_symlink():
                if age > _NEW_SECONDS and _is_unlocked(each):
                    shutil.rmtree(each, ignore_errors=True)
            elif each.match(_PART) and age > _PART_SECONDS:
                each.unlink()


def _is_unlocked(folder: Path) -> bool:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(opened)
