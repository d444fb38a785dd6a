"""A disk that loses its power: SQLite's view of files of which only what was synced survives.

`ForgetfulDisk` is an SQLite VFS over the system's own (so locks and shared memory are the real
ones). What is written goes to the file at once, where every connection reads it; beside it the disk
keeps what the file was at its last sync and each write since. When the power is cut, nothing is
written any more, and `restore` makes the files what a real disk might show afterwards.
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
"""Which writes since the last sync are found after a cut: none, or each by chance, some torn."""
Plant = Literal["", "lying"]
"""`lying`: the disk says it has synced and has not."""

_Write = tuple[int, bytes | None]
"""Where bytes were written; None: the file was cut off there."""


class _Platter:
    """One file: its bytes at the last sync, and what was done to it since."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.synced = bytearray(Path(path).read_bytes() if os.path.exists(path) else b"")
        self.since: list[_Write] = []

    def sync(self) -> None:
        for write in self.since:
            _apply(self.synced, *write)
        self.since.clear()

    def after_a_cut(self, chance: Random, survivors: Survivors) -> bytes:
        found = bytearray(self.synced)
        for at, data in self.since if survivors == "some" else ():
            if chance.random() < 0.5:
                torn = data is not None and chance.random() < 0.2
                kept = data[: chance.randrange(0, len(data) + 1, SECTOR)] if torn and data else data
                _apply(found, at, kept)
        return bytes(found)


class ForgetfulDisk(apsw.VFS):
    """Registered with SQLite under `name` for as long as it is referred to."""

    def __init__(self, name: str, plant: Plant = "") -> None:
        super().__init__(name, "")
        self.name = name
        self.off = False
        self._plant = plant
        self._left: int | None = None
        self._chance = Random(0)
        self._platters: dict[str, _Platter] = {}
        self._lock = Lock()

    def cut_in(self, steps: int, chance: Random) -> None:
        """Cut the power at the `steps`-th write, sync or shortening from now."""
        self._left, self._chance = steps, chance

    def restore(self, survivors: Survivors) -> None:
        """After every connection is closed: make the files what survived, and give power again."""
        for path, platter in self._platters.items():
            Path(path).write_bytes(platter.after_a_cut(self._chance, survivors))
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{path}-shm")  # memory, not disk
        self._platters.clear()
        self.off, self._left = False, None

    def is_amid(self, path: str) -> bool:
        """Whether the file has writes that were not synced."""
        return path in self._platters and bool(self._platters[path].since)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "_File":
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        opened = _File(self, name, flags, path or "")
        if path and path not in self._platters:
            self._platters[path] = _Platter(path)
        return opened

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with self._lock:
            self._stop_if_off()
            super().xDelete(filename, syncdir)
            self._platters.pop(filename, None)

    def act(self, path: str, what: Callable[[], None], write: _Write | None) -> None:
        """One step of a file's: a write or shortening, or with None a sync. Raises IOError when
        there is no power; the last step is done or not, and never answered."""
        with self._lock:
            self._stop_if_off()
            if self._left is not None:
                self._left -= 1
                self.off = self._left <= 0
            if not self.off or self._chance.random() < 0.5:
                self._do(self._platters.get(path), what, write)
            self._stop_if_off()

    def _do(self, platter: _Platter | None, what: Callable[[], None], write: _Write | None) -> None:
        if write is not None:
            what()
            if platter is not None:
                platter.since.append(write)
            return
        if platter is not None and self._plant != "lying":
            platter.sync()

    def _stop_if_off(self) -> None:
        if self.off:
            raise apsw.IOError("the power is off")


class _File(apsw.VFSFile):
    def __init__(
        self, disk: ForgetfulDisk, name: str | apsw.URIFilename | None, flags: list[int], path: str
    ) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        self._path = path

    def xWrite(self, data: bytes, offset: int) -> None:
        kept = bytes(data)
        self._disk.act(self._path, lambda: _File._write(self, kept, offset), (offset, kept))

    def xTruncate(self, newsize: int) -> None:
        self._disk.act(self._path, lambda: _File._shorten(self, newsize), (newsize, None))

    def xSync(self, flags: int) -> None:
        # The system's own sync is left out: the process lives on, and its cache with it.
        self._disk.act(self._path, lambda: None, None)

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)

    def _shorten(self, newsize: int) -> None:
        super().xTruncate(newsize)


def _apply(found: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del found[at:]
        return
    if len(found) < at:
        found.extend(bytes(at - len(found)))
    found[at : at + len(data)] = data
