"""Connections to a SQLite file, with their settings, and the one that makes checkpoints."""

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import apsw

log = logging.getLogger(__name__)

_MINIMUM_VERSION = (3, 51, 3)
"""Earlier ones could corrupt the file if a checkpoint raced with a writer (the WAL-reset bug)."""
_BUSY_SECONDS = 5.0
_POLL_SECONDS = 0.0005
_CHECKPOINT_SECONDS = 0.5
_MAX_WAL_BYTES = 64 * 1024 * 1024
_EMPTY_WAIT_MS = 50
"""How long emptying the log waits for readers, and lets all writers wait."""
_MAX_EMPTY_PAUSE = 30.0
"""Seconds, at most, until it is tried again after a reader was in the way."""


def version() -> str:
    """The version of the SQLite library, "3.51.3"."""
    return str(apsw.sqlite_lib_version())


def is_unsupported() -> bool:
    """Whether the library is older than the oldest that is safe."""
    return tuple(int(part) for part in version().split(".")) < _MINIMUM_VERSION


def check_library() -> None:
    """Raises RuntimeError when the SQLite library is older than the oldest that is safe."""
    if is_unsupported():
        raise RuntimeError(f"SQLite {version()} is too old: 3.51.3 or newer needed")


def connect(
    path: Path, *, cache_mib: int, read_only: bool = False, vfs: str = ""
) -> apsw.Connection:
    """Open the file; create it, readable by its owner alone, if it does not exist. `vfs` names a
    registered SQLite VFS, "" the system's."""
    create_private(path)
    connection = apsw.Connection(str(path), vfs=vfs or None, statementcachesize=512)
    connection.setbusyhandler(lock_wait(_BUSY_SECONDS))
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit returns when it is on disk
        "foreign_keys=ON",
        "wal_autocheckpoint=0",  # the Checkpointer does it
        f"journal_size_limit={_MAX_WAL_BYTES}",
        "mmap_size=0",  # an I/O error stays an error, not a killed process
        "temp_store=MEMORY",
        f"cache_size=-{cache_mib * 1024}",
        f"query_only={'ON' if read_only else 'OFF'}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def create_private(path: Path) -> None:
    """Create the file, readable by its owner alone, if it does not exist.

    A file that exists is not even opened: to close it would release all POSIX locks that this
    process holds on it (https://www.sqlite.org/howtocorrupt.html, 2.2). Then the next program that
    looks at the database and ends takes itself for the last one, and deletes the write-ahead log
    of the server that still writes to it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def lock_wait(seconds: float) -> Callable[[int], bool]:
    """A busy handler that waits for a lock for at most `seconds`, and looks every half millisecond
    whether it is free.

    SQLite's own waits longer each time, up to 100 ms: beside an import, which frees the lock for
    some milliseconds at a time, a send would miss it again and again.
    """
    until = 0.0

    def wait(tries: int) -> bool:
        nonlocal until
        now = monotonic()
        if not tries:
            until = now + seconds
        sleep(_POLL_SECONDS)
        return now < until

    return wait


class Checkpointer:
    """Moves the write-ahead log into the database file, on its own connection and thread.

    Twice a second it moves what no reader needs any more; when the log is larger than
    `_MAX_WAL_BYTES`, it makes writers wait for a moment and empties it. While a long read is in the
    way, such as that of an export, it tries this less and less often.
    """

    def __init__(self, path: Path, vfs: str = "") -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._connection = connect(path, cache_mib=2, vfs=vfs)
        self._stop = Event()
        self._seen = (0, 0)
        self._empty_pause = _CHECKPOINT_SECONDS
        self._empty_at = 0.0
        self._thread = Thread(target=self._work, name="koine-checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread and close the connection."""
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while not self._stop.wait(_CHECKPOINT_SECONDS):
            with contextlib.suppress(FileNotFoundError):
                now = self._wal.stat()
                if (now.st_size, now.st_mtime_ns) != self._seen:
                    self._checkpoint(is_large=now.st_size > _MAX_WAL_BYTES)
                    self._seen = (now.st_size, now.st_mtime_ns)

    def _checkpoint(self, *, is_large: bool) -> None:
        empties = is_large and monotonic() >= self._empty_at
        try:
            if not empties:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            elif self._empty():
                self._empty_pause = _CHECKPOINT_SECONDS
            else:
                self._empty_pause = min(2 * self._empty_pause, _MAX_EMPTY_PAUSE)
                self._empty_at = monotonic() + self._empty_pause
        except apsw.BusyError:
            return  # another connection makes one: try again in the next round
        except apsw.Error as error:
            log.warning("the write-ahead log could not be checkpointed: %s", error)

    def _empty(self) -> bool:
        """Empty the log; False when a reader was in the way."""
        self._connection.setbusytimeout(_EMPTY_WAIT_MS)
        try:
            [(blocked, *_)] = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._connection.setbusyhandler(lock_wait(_BUSY_SECONDS))
        return not blocked
