"""PostgreSQL: the implementation of `store.core.db`.

The statements of a read are autocommitted; a write is BEGIN … COMMIT. It is run again after a
deadlock, or if the connection broke before COMMIT was sent. After COMMIT was sent the outcome of a
broken connection is unknown, and Unavailable is raised.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from koine.model.errors import Unavailable
from koine.store.core.db import PoolUsage, Tx, no_listener
from koine.store.postgres import client_files, upkeep
from koine.store.postgres.bulk import (
    PostgresBulkWriter,
    PostgresSnapshot,
    last_message_number,
    raise_message_numbers,
    raise_positions,
    take_positions,
    use_binary_ids,
)
from koine.store.postgres.errors import (
    CONNECT_ERRORS,
    RIGHT_ERRORS,
    cannot_connect,
    missing_right,
)
from koine.store.postgres.notify_transport import PostgresNotifyTransport
from koine.store.postgres.pool import Pool
from koine.store.postgres.tx import (
    CONTENTION_ERRORS,
    ConnectionLost,
    PooledConnection,
    PostgresTx,
    to_store_error,
)

R = TypeVar("R")
P = ParamSpec("P")

_MINIMUM_VERSION = 14
_CONNECT_SECONDS = 5
_RESPONSE_SECONDS = 20
"""Twice the `statement_timeout`: exceeded only if the network drops every packet."""
_BATCH_CONNECTIONS = 2
_ALTER_SECONDS = 3600
_TRIES = 4
"""Attempts of a write that runs into deadlocks; after a lost connection it has two at most."""
_SETTINGS = {
    "application_name": "koine",
    "jit": "off",  # compiling costs more than any of our statements
    "random_page_cost": "1.1",  # pages are in memory or on an SSD: prefer indexes
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}
_WITHOUT_DEADLINES = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
# A scan, not to_regclass(): its cache may be older than the lock that the transaction waited for.
_HAS_VERSION = (
    "SELECT 1 FROM pg_tables WHERE tablename = 'alembic_version'"
    " AND schemaname = ANY (current_schemas(false))"
)
# Assign the transaction's id before it can take a position in the event log: the watermark, up to
# which the log is read, is computed from the ids of open transactions (`event_log/watermark.py`).
_BEGIN = "BEGIN; SELECT pg_current_xact_id()"
_TIMELINE = (
    "SELECT concat_ws('.', s.system_identifier, c.timeline_id, d.oid) FROM pg_control_system() s,"
    " pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()"
)
_IDENTITY = (
    "SELECT concat_ws('.', s.system_identifier, d.oid) FROM pg_control_system() s, pg_database d"
    " WHERE d.datname = current_database()"
)
_SCHEMA_LOCK = 0x6B6F696E65
"""The key of the advisory lock of migrations: any number, the same in every process."""
_NO_TIMEOUTS = (
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SET LOCAL idle_in_transaction_session_timeout = 0"
)
"""The transaction is idle while a subprocess writes the script, and a migration may take long."""


class PostgresDatabase:
    """The `Database` of one server. Made by `open`; used from one event loop."""

    kind = "postgres"

    def __init__(self, url: str, pool_size: int) -> None:
        self._url = url
        self._pool = Pool(self._connect, pool_size)
        self._hot = Pool(self._connect, _BATCH_CONNECTIONS)
        self.after_commit: Callable[[], None] = no_listener

    @classmethod
    async def open(cls, url: str, pool_size: int = 8) -> "PostgresDatabase":
        """Connect once, to find out whether it works.

        Raises CannotConnect, and RuntimeError if the server is too old.
        """
        client_files.check(url)
        database = cls(url, pool_size)
        try:
            async with database._pool.connection() as pooled:
                major = pooled.connection.get_server_version().major
        except CONNECT_ERRORS as error:
            raise cannot_connect(error, url) from error
        if major < _MINIMUM_VERSION:
            await database.close()
            raise RuntimeError(
                f"PostgreSQL {major} is too old: {_MINIMUM_VERSION} or newer is needed"
            )
        return database

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads; each statement has its own snapshot."""
        try:
            try:
                return await self._read(tenant_id, operation, args, kwargs)
            except ConnectionLost:
                return await self._read(tenant_id, operation, args, kwargs)
        except Exception as error:
            raise to_store_error(error) from error

    read_long = read

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation in one READ COMMITTED transaction."""
        done = await _write(self._pool, tenant_id, operation, args, kwargs)
        self.after_commit()
        return done

    async def write_batch(
        self,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `write`, across tenants, on connections that nothing else uses."""
        done = await _write(self._hot, "", operation, args, kwargs)
        self.after_commit()
        return done

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSnapshot]:
        """A read-only transaction of isolation level REPEATABLE READ."""
        async with (
            self._own_connection() as pooled,
            pooled.connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            # A stream in the order of a key begins at once, without a sorted copy of the table.
            await pooled.connection.execute("SET LOCAL enable_sort = off")
            yield PostgresSnapshot(pooled)

    @asynccontextmanager
    async def bulk_writer(self) -> AsyncIterator[PostgresBulkWriter]:
        """A connection whose commits do not wait for the disk."""
        async with self._own_connection() as pooled:
            await pooled.connection.execute("SET synchronous_commit = off")
            await use_binary_ids(pooled.connection)
            yield PostgresBulkWriter(pooled)

    async def take_positions(self, count: int) -> int:
        """Move the sequence of the positions."""
        return await self._on_connection(take_positions, count)

    async def raise_positions(self, position: int) -> None:
        """Move the sequence of the positions."""
        await self._on_connection(raise_positions, position)

    async def raise_message_numbers(self, number: int) -> None:
        """Move the sequence of the numbers."""
        await self._on_connection(raise_message_numbers, number)

    async def last_message_number(self) -> int:
        """Ask the sequence of the numbers."""
        return await self._on_connection(last_message_number)

    async def ping(self) -> None:
        """Raises Unavailable if the server does not respond."""
        await self._ask("SELECT 1")

    async def timeline_id(self) -> str:
        """The cluster, its timeline (another after a fail-over) and the database within it."""
        return str(await self._ask(_TIMELINE))

    async def database_id(self) -> str:
        """The cluster and the database within it."""
        return str(await self._ask(_IDENTITY))

    def bus_transport(self) -> PostgresNotifyTransport:
        """LISTEN and NOTIFY, on another connection."""
        return PostgresNotifyTransport(self._url)

    async def size_bytes(self) -> int:
        """The whole database."""
        return int(await self._ask("SELECT pg_database_size(current_database())"))

    def pools(self) -> list[PoolUsage]:
        """Of all operations, and of batches of sends."""
        return [self._pool.usage("operations"), self._hot.usage("batches")]

    async def analyze(self, *, every: bool = False) -> None:
        """ANALYZE them: autovacuum does so too, but once a minute, and not if it is switched
        off."""
        if every:
            async with self._own_connection() as pooled:
                await upkeep.analyze_every(pooled.connection)
        else:
            await self._on_connection(upkeep.analyze)

    async def compact(self) -> None:
        """VACUUM FULL of every table, one after the other, each locked meanwhile."""
        connection = await self._connect()
        try:
            await upkeep.compact(connection.connection, _ALTER_SECONDS)
        except Exception as error:
            raise to_store_error(error) from error
        finally:
            await connection.connection.close()

    async def estimate_rows(self) -> dict[str, int]:
        """As the statistics say."""
        return await self._on_connection(upkeep.estimate_rows)

    async def version(self) -> str | None:
        """The revision of the schema."""
        if await self._ask(_HAS_VERSION) is None:
            return None
        found = await self._ask("SELECT version_num FROM alembic_version")
        return None if found is None else str(found)

    def claim_serving(self) -> None:
        """Nothing: any number of processes may serve it."""

    async def alter_schema(self, script: Callable[[str | None], str]) -> None:
        """In one transaction under an advisory lock, for which other processes wait."""
        try:
            async with self._pool.connection() as pooled:
                try:
                    await _alter_schema(pooled.connection, script)
                except RIGHT_ERRORS as error:
                    raise await missing_right(pooled.connection, error) from error
        except Exception as error:
            raise to_store_error(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()
        await self._hot.close()

    async def _connect(self, unlimited: bool = False) -> PooledConnection:
        """A new connection; an `unlimited` one has no deadlines."""
        connection = await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            command_timeout=None if unlimited else _RESPONSE_SECONDS,
            statement_cache_size=0,  # a PooledConnection has its own
            server_settings=_SETTINGS | (_WITHOUT_DEADLINES if unlimited else {}),
        )
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=str, decoder=str, format="text"
        )
        return PooledConnection(connection)

    @asynccontextmanager
    async def _own_connection(self) -> AsyncIterator[PooledConnection]:
        """A connection that is not of a pool, for the length of a block."""
        try:
            pooled = await self._connect(unlimited=True)
            try:
                yield pooled
            finally:
                # A statement may still run: do not wait for it.
                pooled.terminate()
        except Exception as error:
            raise to_store_error(error) from error

    async def _on_connection(
        self, work: Callable[Concatenate[Any, P], Awaitable[R]], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        try:
            async with self._pool.connection() as pooled:
                return await work(pooled.connection, *args, **kwargs)
        except Exception as error:
            raise to_store_error(error) from error

    async def _read(
        self, tenant_id: str, operation: Callable[..., Awaitable[R]], args: Any, kwargs: Any
    ) -> R:
        async with self._pool.connection() as pooled:
            return await operation(PostgresTx(pooled, tenant_id, read_only=True), *args, **kwargs)

    async def _ask(self, text: str) -> Any:
        try:
            async with self._pool.connection() as pooled:
                try:
                    return await pooled.connection.fetchval(text)
                except RIGHT_ERRORS as error:
                    raise await missing_right(pooled.connection, error) from error
        except Exception as error:
            raise to_store_error(error) from error


async def _alter_schema(connection: Any, script: Callable[[str | None], str]) -> None:
    async with connection.transaction():
        await connection.execute(_NO_TIMEOUTS)
        await connection.execute(
            f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})", timeout=_ALTER_SECONDS
        )
        version = None
        if await connection.fetchval(_HAS_VERSION):
            version = await connection.fetchval("SELECT version_num FROM alembic_version")
        if text := script(version):  # asyncpg fails on an empty one
            await connection.execute(text, timeout=_ALTER_SECONDS)


async def _write(
    pool: Pool, tenant_id: str, operation: Callable[..., Awaitable[R]], args: Any, kwargs: Any
) -> R:
    """Run an operation in a transaction; again, if that may succeed."""
    losses = 0
    for attempt in range(1, _TRIES + 1):
        try:
            return await _transaction(pool, tenant_id, operation, args, kwargs)
        except CONTENTION_ERRORS as error:
            if attempt == _TRIES:
                raise to_store_error(error) from error
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))
        except ConnectionLost as error:
            losses += 1
            if losses == 2:
                raise to_store_error(error) from error
        except Exception as error:
            raise to_store_error(error) from error
    raise AssertionError("every attempt returns, raises or is followed by another")


async def _transaction(
    pool: Pool, tenant_id: str, operation: Callable[..., Awaitable[R]], args: Any, kwargs: Any
) -> R:
    async with pool.connection() as pooled:
        await pooled.connection.execute(_BEGIN)
        try:
            result = await operation(PostgresTx(pooled, tenant_id), *args, **kwargs)
        except Exception:
            if pooled.usable():
                await pooled.connection.execute("ROLLBACK")
            raise
        await _commit(pooled)
        return result


async def _commit(pooled: PooledConnection) -> None:
    """From here on the outcome of a failure is unknown: the operation must not run again."""
    try:
        done = await pooled.connection.execute("COMMIT")
    except Exception as error:
        pooled.terminate()
        raise Unavailable() from error
    if done != "COMMIT":
        raise RuntimeError("an operation continued after a statement failed: nothing was committed")
