"""A file system of a few megabytes in memory (tmpfs), which a rig can fill and free again."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoSmallDisk(Exception):
    """We may not mount anything on this machine; the message has the reason."""


class SmallDisk:
    """A mounted file system. It is filled by one file, the ballast."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / ".ballast"

    @property
    def free(self) -> int:
        """Bytes that are free."""
        stat = os.statvfs(self.path)
        return stat.f_bavail * stat.f_frsize

    def fill_up_to(self, free_bytes: int) -> None:
        """Grow the ballast until only so many bytes are free; does nothing when fewer are."""
        with self._ballast.open("wb") as ballast:
            while (size := self.free - free_bytes) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), 0, size)
                    return
                except OSError as error:
                    # The server writes meanwhile, and has taken what was free a moment ago.
                    if error.errno != errno.ENOSPC:
                        raise

    def free_again(self) -> None:
        """Delete the ballast."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a file system of `size` bytes at a new directory. Raises NoSmallDisk."""
    path.mkdir(parents=True)
    options = f"size={size},mode=0755"
    try:
        _run("mount", "-t", "tmpfs", "-o", options, "koine-rig", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        raise NoSmallDisk(f"no disk can be mounted here: {reason}".strip()) from None
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "-l", str(path))
        path.rmdir()


def can_mount() -> bool:
    """Whether we are root, with the right to mount."""
    return os.geteuid() == 0 and _succeeds("unshare", "-m", "true")


def can_mount_in_namespace() -> bool:
    """Whether we may mount in a user namespace of our own."""
    return _succeeds("unshare", "-rm", "mount", "-t", "tmpfs", "koine-rig", "/mnt")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
