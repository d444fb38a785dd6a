"""Backups of a SQLite file by SQLite's backup API, never by copying the file."""

import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import apsw

from koine.store.backup import (
    BackupContents,
    BackupError,
    RunSelect,
    backup_contents,
    require_complete,
)
from koine.store.sqlite.connection import connect, create_private

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"


class SqliteBackup:
    """The `DatabaseBackup` of one file."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def create(self, target: Path) -> BackupContents:
        """Copy a snapshot of the file; writers do not wait."""
        if not self._path.exists():
            raise BackupError(f"there is no database {self._path}")
        try:
            with closing(_connect(self._path)) as source, closing(_connect(target)) as copy:
                _copy(source, copy)
                # A single file, without a write-ahead log beside it.
                copy.execute("PRAGMA journal_mode=DELETE").fetchall()
                select = _select_function(copy)
                await require_complete(select)
                return await backup_contents(select, _tables(copy))
        except apsw.Error as error:
            raise BackupError(f"{self._path} cannot be copied: {error}") from None

    @asynccontextmanager
    async def open_backup(self, source: Path) -> AsyncIterator[RunSelect]:
        """Open a temporary copy of the backup; checks every page."""
        with tempfile.TemporaryDirectory(dir=source.parent) as folder:
            temporary = Path(folder) / "verify.db"
            try:
                with closing(_connect(source)) as given, closing(_connect(temporary)) as copy:
                    _copy(given, copy)
                    _check(copy)
                    yield _select_function(copy)
            except apsw.Error as error:
                raise BackupError(f"the database in it is damaged: {error}") from None

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[RunSelect]:
        """Open the file itself; checks every page."""
        with closing(_connect(self._path)) as connection:
            _check(connection)
            yield _select_function(connection)

    @asynccontextmanager
    async def exclusive(self, *, although_served: bool = False) -> AsyncIterator[None]:
        """Take the lock that a serving process holds, in any case: it ends with the process."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{self._path}.serving", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise BackupError(
                f"a server, `koine move` or `koine restore` uses {self._path}: stop it first"
            ) from None
        finally:
            os.close(lock)

    async def is_empty(self) -> bool:
        """Whether there is no file, or no tenant in it."""
        if not self._path.exists():
            return True
        with closing(_connect(self._path)) as connection:
            if "tenants" not in _tables(connection):
                return True
            return not connection.execute("SELECT 1 FROM tenants LIMIT 1").fetchall()

    async def restore(self, source: Path) -> None:
        """In one transaction: after a crash, or with a damaged backup, the former contents
        remain."""
        try:
            with (
                closing(_connect(source)) as given,
                closing(connect(self._path, cache_mib=16)) as to,
            ):
                _check(given)
                _copy(given, to)
                to.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except apsw.Error as error:
            raise BackupError(f"{self._path} cannot be written: {error}") from None


def _connect(path: Path) -> apsw.Connection:
    create_private(path)
    connection = apsw.Connection(str(path))
    connection.setbusytimeout(30_000)
    return connection


def _copy(source: apsw.Connection, target: apsw.Connection) -> None:
    with target.backup("main", source, "main") as work:
        work.step(-1)


def _check(connection: apsw.Connection) -> None:
    for pragma in ("integrity_check", "foreign_key_check"):
        found = connection.execute(f"PRAGMA {pragma}").fetchall()
        if found not in ([("ok",)], []):
            raise BackupError(f"the database is damaged: {pragma}: {found[0]}")


def _tables(connection: apsw.Connection) -> list[str]:
    return [str(row[0]) for row in connection.execute(_TABLES).fetchall()]


def _select_function(connection: apsw.Connection) -> RunSelect:
    async def select(text: str) -> Sequence[Sequence[Any]]:
        return connection.execute(text).fetchall()

    return select
