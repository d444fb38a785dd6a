"""A virtual disk for SQLite that can lose its power: then only what was synced survives for sure.

`PowerCutDisk` is an SQLite VFS over the system's own (so locks and shared memory are the real
ones). A write goes to the file at once, where every connection reads it; the disk also remembers
the content of the file at its last sync and each write since. After the power is cut, each
operation fails, and `restore` writes what a real disk might contain afterwards.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Lock
from typing import Literal

import apsw

SECTOR = 512
Survivors = Literal["none", "some"]
"""Which writes since the last sync survive a cut: none, or a random part, some of them torn."""
Fault = Literal["", "lying"]
"""`lying`: the disk acknowledges a sync without doing it."""

_Write = tuple[int, bytes | None]
"""An offset and the bytes written there; None: the file was truncated there."""


class _DiskFile:
    """One file: its bytes at the last sync, and the writes since."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.synced = bytearray(Path(path).read_bytes() if os.path.exists(path) else b"")
        self.unsynced: list[_Write] = []

    def sync(self) -> None:
        for write in self.unsynced:
            _apply(self.synced, *write)
        self.unsynced.clear()

    def after_cut(self, rng: Random, survivors: Survivors) -> bytes:
        content = bytearray(self.synced)
        for at, data in self.unsynced if survivors == "some" else ():
            if rng.random() < 0.5:
                is_torn = data is not None and rng.random() < 0.2
                kept = data[: rng.randrange(0, len(data) + 1, SECTOR)] if is_torn and data else data
                _apply(content, at, kept)
        return bytes(content)


class PowerCutDisk(apsw.VFS):
    """Registered with SQLite under `name` for as long as it is referred to."""

    def __init__(self, name: str, fault: Fault = "") -> None:
        super().__init__(name, "")
        self.name = name
        self.is_off = False
        self._fault = fault
        self._steps_left: int | None = None
        self._rng = Random(0)
        self._files: dict[str, _DiskFile] = {}
        self._lock = Lock()

    def cut_in(self, steps: int, rng: Random) -> None:
        """Cut the power at the `steps`-th write, sync or truncation from now."""
        self._steps_left, self._rng = steps, rng

    def restore(self, survivors: Survivors) -> None:
        """Write what survived to the files, and turn the power on. Close all connections before."""
        for path, file in self._files.items():
            Path(path).write_bytes(file.after_cut(self._rng, survivors))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{path}-shm")  # memory, not disk
        self._files.clear()
        self.is_off, self._steps_left = False, None

    def has_unsynced_writes(self, path: str) -> bool:
        """Whether the file has writes that are not synced."""
        return path in self._files and bool(self._files[path].unsynced)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_File":
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        opened = _File(self, name, flags, path or "")
        if path and path not in self._files:
            self._files[path] = _DiskFile(path)
        return opened

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with self._lock:
            self._raise_if_off()
            super().xDelete(filename, syncdir)
            self._files.pop(filename, None)

    def step(self, path: str, operation: Callable[[], None], write: _Write | None) -> None:
        """One step on a file: a write or truncation, or with None a sync. Raises IOError when the
        power is off; the step at which it is cut is done or not, at random, and raises, too."""
        with self._lock:
            self._raise_if_off()
            if self._steps_left is not None:
                self._steps_left -= 1
                self.is_off = self._steps_left <= 0
            if not self.is_off or self._rng.random() < 0.5:
                self._do(self._files.get(path), operation, write)
            self._raise_if_off()

    def _do(
        self, file: _DiskFile | None, operation: Callable[[], None], write: _Write | None
    ) -> None:
        if write is not None:
            operation()
            if file is not None:
                file.unsynced.append(write)
            return
        if file is not None and self._fault != "lying":
            file.sync()

    def _raise_if_off(self) -> None:
        if self.is_off:
            raise apsw.IOError("the power is off")


class _File(apsw.VFSFile):
    def __init__(
        self, disk: PowerCutDisk, name: str | apsw.URIFilename | None, flags: list[int], path: str
    ) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = path

    def xWrite(self, data: bytes, offset: int) -> None:
        kept = bytes(data)
        self._disk.step(self._path, lambda: _File._write(self, kept, offset), (offset, kept))

    def xTruncate(self, newsize: int) -> None:
        self._disk.step(self._path, lambda: _File._shorten(self, newsize), (newsize, None))

    def xSync(self, flags: int) -> None:
        # No real sync: the process and the system's cache survive, so it would only cost time.
        self._disk.step(self._path, lambda: None, None)

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)

    def _shorten(self, newsize: int) -> None:
        super().xTruncate(newsize)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data)] = data
