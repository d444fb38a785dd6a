"""Many rows at once: a snapshot to read them from, and a connection to write them on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from koine.store.core.db import BrokenRow, Tx
from koine.store.core.statements import InsertMany, Query
from koine.store.sqlite.connection import connect, lock_wait
from koine.store.sqlite.renderer import numbers_of
from koine.store.sqlite.tx import SqliteTx, run_to_completion, to_store_error, with_bools
from koine.store.tables import messages

R = TypeVar("R")
P = ParamSpec("P")

_BUSY_SECONDS = 60.0
TAKE_POSITIONS = (
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events');"
    "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'events' RETURNING seq"
)
"""Takes positions of the event log, and returns the last of them."""
RAISE_POSITIONS = (
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'events', 0"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'events');"
    "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events' RETURNING seq"
)
"""Lets the positions of the event log go on above one."""
LAST_NUMBER = f"SELECT value FROM server WHERE name = '{numbers_of(messages.c.number)}'"
"""The last number that a message got."""
RAISE_NUMBERS = (
    f"INSERT INTO server (name, value) VALUES ('{numbers_of(messages.c.number)}', ?1)"
    " ON CONFLICT (name) DO UPDATE SET value = max(CAST(value AS INTEGER), ?1) RETURNING 1"
)
"""Lets the numbers of messages go on above one."""


class SqliteSnapshot:
    """The `Snapshot` of a file: a read transaction on one thread. Blocks when it is made."""

    def __init__(self, path: Path, vfs: str) -> None:
        self._connection = connect(path, cache_mib=16, read_only=True, vfs=vfs)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="koine-snapshot")
        self._connection.execute("BEGIN")
        # The snapshot is taken by the first statement that reads.
        self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads."""
        tx = SqliteTx(self._connection, tenant_id, read_only=True)

        def run() -> R:
            return run_to_completion(operation, tx, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    async def stream(self, query: Query[R], size: int, /, **params: Any) -> AsyncIterator[list[R]]:
        """By stepping through one statement."""
        tx = SqliteTx(self._connection, params["tenant_id"], read_only=True)
        run = asyncio.get_running_loop().run_in_executor
        cursor, bools = await run(self._thread, lambda: tx.cursor(query, **params))
        while rows := await run(self._thread, _rows, cursor, query.into, bools, size):
            yield rows

    def close(self) -> None:
        """End the transaction and close the connection. Blocks."""
        self._thread.shutdown()
        self._connection.close()


class SqliteBulkWriter:
    """The `BulkWriter` of a file, on one thread. Blocks when it is made."""

    def __init__(self, path: Path, vfs: str) -> None:
        self._connection = connect(path, cache_mib=32, vfs=vfs)
        self._connection.setbusyhandler(lock_wait(_BUSY_SECONDS))
        self._connection.execute("PRAGMA synchronous=NORMAL").fetchall()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="koine-bulk")

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation in one transaction."""

        def run() -> R:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                tx = SqliteTx(self._connection, tenant_id)
                result = run_to_completion(operation, tx, *args, **kwargs)
                self._connection.execute("COMMIT")
                return result
            except BaseException as error:
                with suppress(apsw.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                if isinstance(error, apsw.ConstraintError | apsw.MismatchError):
                    raise BrokenRow(str(error)) from error
                if isinstance(error, apsw.Error):
                    raise to_store_error(error) from error
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, run)

    async def copy(
        self,
        command: InsertMany,
        rows: Sequence[tuple[Any, ...]],
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """One insert after the other."""

        async def both(tx: Tx) -> R:
            await tx.many(command, rows)
            return await operation(tx, *args, **kwargs)

        return await self.write("", both)

    def close(self) -> None:
        """Close the connection. Blocks."""
        self._thread.shutdown()
        self._connection.close()


def _rows(cursor: Any, into: Any, bools: tuple[int, ...], size: int) -> list[Any]:
    rows = list(islice(cursor, size))
    if bools:
        rows = [with_bools(row, bools) for row in rows]
    return rows if into is None else [into(*row) for row in rows]
