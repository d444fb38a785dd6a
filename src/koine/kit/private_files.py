"""Files that other accounts of the machine cannot read: mode 0600, in folders of mode 0700."""

import filecmp
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def make_folders(folder: Path, root: Path) -> None:
    """Create `folder` and its parents below `root` as private ones; those above as usual."""
    root.parent.mkdir(parents=True, exist_ok=True)
    for each in reversed([folder, *folder.parents]):
        if each.is_relative_to(root):
            each.mkdir(mode=FOLDER_MODE, exist_ok=True)


def create(path: Path) -> IO[bytes]:
    """A new file to write to. Raises FileExistsError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb")


def copy(source: Path, target: Path, root: Path) -> bool:
    """Copy a file to `target` below `root`, complete and synced, unless its bytes are there;
    returns whether it was copied. An interrupted copy is a file `.part` beside it."""
    if target.exists() and filecmp.cmp(source, target, shallow=False):
        return False
    with source.open("rb") as read, complete_below(target, root) as out:
        shutil.copyfileobj(read, out)
    return True


@contextmanager
def complete_below(path: Path, root: Path) -> Iterator[IO[bytes]]:
    """Write a file at `path`, which is in folders below `root`: complete and synced when the block
    ends, in place of the one that is there. If it raises, a file `.part` remains beside it."""
    make_folders(path.parent, root)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with create(part) as out:
        yield out
        out.flush()
        os.fsync(out.fileno())
    part.rename(path)
    for folder in path.parents:
        sync_folder(folder)
        if folder in (root.parent, folder.parent):
            break


@contextmanager
def complete_or_absent(path: Path) -> Iterator[IO[bytes]]:
    """Write a new file at `path`: complete and synced when the block ends, absent if it raises.

    Raises FileExistsError if there is a file by then: none is overwritten.
    """
    opened, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with open(opened, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        _rename_to_new(part, path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Sync a folder, so that a rename in it survives a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def restrict(root: Path) -> bool:
    """Remove all rights of other accounts from `root` and what is below it; whether any had some.
    Raises OSError.

    `root` comes last: if this is interrupted it is done again, and once done it costs one `stat`.
    """
    if not root.is_dir() or root.is_symlink() or not _is_open(root):
        return False
    for at, folders, files in os.walk(root):
        for names, mode in ((folders, FOLDER_MODE), (files, FILE_MODE)):
            for name in names:
                path = Path(at, name)
                if not path.is_symlink():
                    path.chmod(mode)
    root.chmod(FOLDER_MODE)
    return True


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _rename_to_new(part: Path, path: Path) -> None:
    """Rename a file, but not over another. Raises FileExistsError."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as that of a network drive
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)
