"""A disk of a few megabytes, made of memory, to be filled and given room again."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoSmallDisk(Exception):
    """This machine lets us mount nothing; the message has the reason."""


class SmallDisk:
    """A mounted disk. What is put in its way is one file, the ballast."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / ".ballast"

    @property
    def free(self) -> int:
        """Bytes that are free."""
        about = os.statvfs(self.path)
        return about.f_bavail * about.f_frsize

    def leave(self, room: int) -> None:
        """Take all room but so many bytes; nothing where there is less."""
        with self._ballast.open("wb") as ballast:
            while (size := self.free - room) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), 0, size)
                    return
                except OSError as error:
                    # Others write meanwhile, and what was free is not any more.
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a disk of `size` bytes at a new directory. Raises NoSmallDisk."""
    path.mkdir(parents=True)
    options = f"size={size},mode=0755"
    try:
        _run("mount", "-t", "tmpfs", "-o", options, "koine-rig", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or error
        raise NoSmallDisk(f"no disk can be mounted here: {said}".strip()) from None
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "-l", str(path))
        path.rmdir()


def can_mount() -> bool:
    """Whether we are root in a place where that is enough."""
    return os.geteuid() == 0 and _succeeds("unshare", "-m", "true")


def can_mount_apart() -> bool:
    """Whether we are root in a namespace of our own making, where we may mount."""
    return _succeeds("unshare", "-rm", "mount", "-t", "tmpfs", "koine-rig", "/mnt")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
