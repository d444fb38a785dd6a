"""SQLite: the implementation of `store.core.db`. One file, served by one process.

Writes are run by one thread (`writer`). Short reads run in the event loop's thread: they take
25-75 µs each, less than the hand-over to another thread. Long reads have their own threads.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from pathlib import Path
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from koine.model.errors import Unavailable
from koine.store.core.db import AlreadyServed, CannotConnect, PoolUsage, Tx, no_listener
from koine.store.sqlite.bulk import (
    LAST_NUMBER,
    RAISE_NUMBERS,
    RAISE_POSITIONS,
    TAKE_POSITIONS,
    SqliteBulkWriter,
    SqliteSnapshot,
)
from koine.store.sqlite.connection import Checkpointer, check_library, connect
from koine.store.sqlite.tx import SqliteTx, run_to_completion, to_store_error
from koine.store.sqlite.writer import Writer

R = TypeVar("R")
P = ParamSpec("P")

_LONG_READERS = 4
"""One for each search that may run at a time (`engine/core/search_slots.py`), and one for the
server."""
_LONG_READ_SECONDS = 10
_MIGRATION_WAIT_MS = 60_000
"""How long a migration waits for another process that migrates the same file, and compaction for
one that makes a checkpoint."""
_CHECKPOINT_PAUSE = 0.02
"""Seconds until compaction tries again to empty the write-ahead log."""


class SqliteDatabase:
    """The `Database` of one file. Made by `open`; used from one event loop."""

    kind = "sqlite"

    def __init__(self, path: Path, vfs: str = "") -> None:
        check_library()
        self._path = path
        self._vfs = vfs
        self.after_commit: Callable[[], None] = no_listener
        writes = connect(path, cache_mib=32, vfs=vfs)
        self._writer = Writer(writes, lambda: self.after_commit())
        self._checkpointer = Checkpointer(path, vfs)
        self._reader = connect(path, cache_mib=32, read_only=True, vfs=vfs)
        self._pool = ThreadPoolExecutor(_LONG_READERS, thread_name_prefix="koine-reader")
        self._long: SimpleQueue[apsw.Connection] = SimpleQueue()
        for _ in range(_LONG_READERS):
            self._long.put(connect(path, cache_mib=16, read_only=True, vfs=vfs))
        self._long_reads = 0
        self._serving: int | None = None

    @classmethod
    async def open(cls, path: str | Path, vfs: str = "") -> "SqliteDatabase":
        """Open the file; create it and its folder if they do not exist. `vfs`: the name of a
        registered SQLite VFS, "" for the system's. Raises CannotConnect, OSError."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return cls(path, vfs)
        except apsw.Error as error:
            raise CannotConnect(f"cannot be opened: {error}") from error

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a short read in this thread, on a snapshot."""
        return _snapshot(self._reader, tenant_id, operation, args, kwargs)

    async def read_long(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a long read on a thread, on a snapshot. Raises Unavailable after 10 s."""
        loop = asyncio.get_running_loop()
        self._long_reads += 1
        try:
            return await loop.run_in_executor(
                self._pool, copy_context().run, self._read_long, tenant_id, operation, args, kwargs
            )
        finally:
            self._long_reads -= 1

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation on the writer thread; when this returns, what it wrote is on disk."""
        return await self._writer.run(tenant_id, operation, args, kwargs)

    async def write_batch(
        self,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `write`, across tenants: the writer thread batches all operations anyway."""
        return await self._writer.run("", operation, args, kwargs)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqliteSnapshot]:
        """A read transaction on a connection and a thread of its own. Meanwhile the write-ahead log
        grows by what is written."""
        view = await asyncio.to_thread(SqliteSnapshot, self._path, self._vfs)
        try:
            yield view
        finally:
            await asyncio.to_thread(view.close)

    @asynccontextmanager
    async def bulk_writer(self) -> AsyncIterator[SqliteBulkWriter]:
        """A connection of its own that does not sync each commit. The writer thread and it wait
        for each other: keep its transactions short."""
        writer = await asyncio.to_thread(SqliteBulkWriter, self._path, self._vfs)
        try:
            yield writer
        finally:
            await asyncio.to_thread(writer.close)

    async def take_positions(self, count: int) -> int:
        """Move the counter of the automatic keys."""
        last: int = await self._writer.run("", _returned, (TAKE_POSITIONS, count), {})
        return last - count

    async def raise_positions(self, position: int) -> None:
        """Move the counter of the automatic keys."""
        await self._writer.run("", _returned, (RAISE_POSITIONS, position), {})

    async def raise_message_numbers(self, number: int) -> None:
        """Move the row of `server` that counts them."""
        await self._writer.run("", _returned, (RAISE_NUMBERS, number), {})

    async def last_message_number(self) -> int:
        """The row of `server` that counts them."""
        found = self._ask(LAST_NUMBER)
        return int(found[0][0]) if found else 0

    async def ping(self) -> None:
        """Raises Unavailable when the file cannot be read."""
        self._ask("SELECT 1")

    async def timeline_id(self) -> str:
        """A file has none; `koine restore` begins another epoch."""
        return ""

    async def database_id(self) -> str:
        """A file has none: no other node uses it."""
        return ""

    def bus_transport(self) -> None:
        """None: one process serves a file."""

    async def size_bytes(self) -> int:
        """The file and its write-ahead log."""
        wal = self._path.with_name(self._path.name + "-wal")
        return sum(file.stat().st_size for file in (self._path, wal) if file.exists())

    def pools(self) -> list[PoolUsage]:
        """The thread that writes, and those of long reads."""
        reading = min(self._long_reads, _LONG_READERS)
        return [
            self._writer.usage("writer"),
            PoolUsage(
                "long_reads",
                _LONG_READERS,
                reading,
                _LONG_READERS - reading,
                self._long_reads - reading,
            ),
        ]

    async def analyze(self, *, every: bool = False) -> None:
        """Nothing: without statistics SQLite's planner goes by the indexes alone."""

    async def compact(self) -> None:
        """VACUUM, and empty the write-ahead log. A server may use the file. Raises Unavailable,
        also when a long read keeps the log from being emptied."""
        await asyncio.to_thread(_compact, self._path, self._vfs)

    async def estimate_rows(self) -> dict[str, int]:
        """Counted: there are no statistics."""
        names = [row[0] for row in self._ask("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: self._ask(f'SELECT count(*) FROM "{name}"')[0][0] for name in names}

    async def version(self) -> str | None:
        """The revision of the schema."""
        if not self._ask("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"):
            return None
        found = self._ask("SELECT version_num FROM alembic_version")
        return str(found[0][0]) if found else None

    def claim_serving(self) -> None:
        """Lock `<file>.serving` until `close`; the kernel unlocks it when the process dies."""
        lock = os.open(f"{self._path}.serving", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyServed(f"another process serves {self._path}") from None
        self._serving = lock

    async def alter_schema(self, script: Callable[[str | None], str]) -> None:
        """In one exclusive transaction, on another connection."""
        await asyncio.to_thread(_alter_schema, self._path, script, self._vfs)

    async def close(self) -> None:
        """Finish the writes that are queued and the reads that run, then close the file."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._pool.shutdown)
        self._checkpointer.close()
        while not self._long.empty():
            self._long.get().close()
        self._reader.close()
        if self._serving is not None:
            os.close(self._serving)
            self._serving = None

    def _ask(self, text: str) -> list[Any]:
        try:
            return self._reader.execute(text).fetchall()
        except apsw.Error as error:
            raise to_store_error(error) from error

    def _read_long(
        self, tenant_id: str, operation: Callable[..., Awaitable[R]], args: Any, kwargs: Any
    ) -> R:
        connection = self._long.get()
        ends = monotonic() + _LONG_READ_SECONDS
        connection.set_progress_handler(lambda: monotonic() > ends, 100_000)
        try:
            return _snapshot(connection, tenant_id, operation, args, kwargs)
        finally:
            self._long.put(connection)


def _snapshot(
    connection: apsw.Connection,
    tenant_id: str,
    operation: Callable[..., Awaitable[R]],
    args: Any,
    kwargs: Any,
) -> R:
    try:
        connection.execute("BEGIN")
    except apsw.Error as error:
        raise to_store_error(error) from error
    try:
        return run_to_completion(
            operation, SqliteTx(connection, tenant_id, read_only=True), *args, **kwargs
        )
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _compact(path: Path, vfs: str) -> None:
    connection = connect(path, cache_mib=16, vfs=vfs)
    connection.setbusytimeout(_MIGRATION_WAIT_MS)
    try:
        # VACUUM makes a temporary copy: on disk, as it may be larger than the memory.
        connection.execute("PRAGMA temp_store=FILE").fetchall()
        connection.execute("VACUUM").fetchall()
        until = monotonic() + _MIGRATION_WAIT_MS / 1000
        # SQLite itself does not wait while another process makes a checkpoint.
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]:
            if monotonic() > until:
                raise Unavailable()
            sleep(_CHECKPOINT_PAUSE)
    except apsw.Error as error:
        raise to_store_error(error) from error
    finally:
        connection.close()


async def _returned(tx: SqliteTx, text: str, value: int) -> int:
    return int(tx.raw(text, value)[0][0])


def _alter_schema(path: Path, script: Callable[[str | None], str], vfs: str) -> None:
    connection = connect(path, cache_mib=16, vfs=vfs)
    connection.setbusytimeout(_MIGRATION_WAIT_MS)
    try:
        # A migration may drop a table to rebuild it: check the references at the end.
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("BEGIN EXCLUSIVE")
        known = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'")
        version = known.get and connection.execute("SELECT version_num FROM alembic_version").get
        # fetchall: apsw pauses at each statement that returns rows until they are read.
        connection.execute(script(version)).fetchall()
        if broken := connection.execute("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"the migration breaks references: {broken[:5]}")
        connection.execute("COMMIT")
    except apsw.Error as error:
        raise to_store_error(error) from error
    finally:
        connection.close()  # what was not committed is undone
