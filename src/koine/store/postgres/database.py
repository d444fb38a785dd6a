"""PostgreSQL behind the door of `store.db`.

A read is on its own (autocommit); a write is BEGIN … COMMIT, run again when it met a deadlock or
lost its connection before COMMIT was sent. After that its outcome is unknown: Unavailable.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from koine.model.errors import Unavailable
from koine.store.core.db import Tx, no_listener
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
_ANSWER_SECONDS = 20
"""Twice the server's own limit: only a network that swallows everything is slower."""
_BATCH_CONNECTIONS = 2
_ALTER_SECONDS = 3600
_TRIES = 4
"""Of a write that meets deadlocks; a lost connection is tried twice at most."""
_SETTINGS = {
    "application_name": "koine",
    "jit": "off",  # it costs more than any of our statements
    "random_page_cost": "1.1",  # pages are in memory or on an SSD: an index, not the whole table
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "10s",
}
# A scan, not to_regclass(): that one may answer from a cache older than the lock it waited for.
_HAS_VERSION = (
    "SELECT 1 FROM pg_tables WHERE tablename = 'alembic_version'"
    " AND schemaname = ANY (current_schemas(false))"
)
# A transaction has its number before it can take a position in the event log: the fence that
# readers of the log stand behind goes by it (`event_log/watermark.py`).
_BEGIN = "BEGIN; SELECT pg_current_xact_id()"
_TIMELINE = (
    "SELECT concat_ws('.', s.system_identifier, c.timeline_id, d.oid) FROM pg_control_system() s,"
    " pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()"
)
_IDENTITY = (
    "SELECT concat_ws('.', s.system_identifier, d.oid) FROM pg_control_system() s, pg_database d"
    " WHERE d.datname = current_database()"
)
_TABLES_TO_ANALYZE = (
    "SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables"
    " WHERE n_mod_since_analyze > 500 AND n_mod_since_analyze > n_live_tup / 2"
    " AND n_live_tup < 1000000"  # what is large already the server sees to in time
    " AND schemaname = ANY (current_schemas(false))"
)
_SCHEMA_LOCK = 0x6B6F696E65
"""Any number, the same in every process."""
_NO_TIMEOUTS = (
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SET LOCAL idle_in_transaction_session_timeout = 0"
)
"""A script is written while its transaction waits, which takes long on a busy machine."""


class PostgresDatabase:
    """`store.db.Database` over one server. Made by `open`; used from one event loop."""

    kind = "postgres"

    def __init__(self, url: str, pool_size: int) -> None:
        self._url = url
        self._pool = Pool(self._connect, pool_size)
        self._hot = Pool(self._connect, _BATCH_CONNECTIONS)
        self.after_commit: Callable[[], None] = no_listener

    @classmethod
    async def open(cls, url: str, pool_size: int = 8) -> "PostgresDatabase":
        """Connect once to see that it works.

        Raises Unavailable when the server does not answer, RuntimeError when it is too old, and
        asyncpg's own errors when it refuses us (password, name of the database).
        """
        database = cls(url, pool_size)
        try:
            async with database._pool.connection() as link:
                major = link.connection.get_server_version().major
        except Exception as error:
            raise to_store_error(error) from error
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
        """Run a reading verb; each statement sees the moment it starts."""
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
        """Run a verb in one transaction, READ COMMITTED."""
        done = await _write(self._pool, tenant_id, operation, args, kwargs)
        self.after_commit()
        return done

    async def write_batch(
        self,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """As `write`, with no tenant, on connections that nothing else uses."""
        done = await _write(self._hot, "", operation, args, kwargs)
        self.after_commit()
        return done

    async def ping(self) -> None:
        """Raises Unavailable when the server does not answer."""
        await self._ask("SELECT 1")

    async def timeline_id(self) -> str:
        """The cluster, its timeline (another after a fail-over) and the database within it."""
        return str(await self._ask(_TIMELINE))

    async def database_id(self) -> str:
        """The cluster and the database within it."""
        return str(await self._ask(_IDENTITY))

    def bus_transport(self) -> PostgresNotifyTransport:
        """A line to the other processes: a connection of its own, when opened."""
        return PostgresNotifyTransport(self._url)

    async def size_bytes(self) -> int:
        """The whole database."""
        return int(await self._ask("SELECT pg_database_size(current_database())"))

    async def analyze(self) -> None:
        """The server does so by itself, but only once a minute, and not where it is told not to."""
        try:
            async with self._pool.connection() as link:
                for row in await link.connection.fetch(_TABLES_TO_ANALYZE):
                    # Another node may be at it.
                    await link.connection.execute(f"ANALYZE (SKIP_LOCKED) {row[0]}")
        except Exception as error:
            raise to_store_error(error) from error

    async def version(self) -> str | None:
        """The revision of the schema."""
        if await self._ask(_HAS_VERSION) is None:
            return None
        found = await self._ask("SELECT version_num FROM alembic_version")
        return None if found is None else str(found)

    def claim_serving(self) -> None:
        """Any number of processes may serve one server."""

    async def alter_schema(self, script: Callable[[str | None], str]) -> None:
        """Alone, in one transaction: the others wait for the lock."""
        try:
            async with self._pool.connection() as link, link.connection.transaction():
                execute, ask = link.connection.execute, link.connection.fetchval
                await execute(_NO_TIMEOUTS)
                await execute(
                    f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})", timeout=_ALTER_SECONDS
                )
                version = None
                if await ask(_HAS_VERSION):
                    version = await ask("SELECT version_num FROM alembic_version")
                if text := script(version):  # asyncpg trips over an empty one
                    await execute(text, timeout=_ALTER_SECONDS)
        except Exception as error:
            raise to_store_error(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()
        await self._hot.close()

    async def _connect(self) -> PooledConnection:
        connection = await asyncpg.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            command_timeout=_ANSWER_SECONDS,
            statement_cache_size=0,  # a Link keeps its own
            server_settings=_SETTINGS,
        )
        await connection.set_type_codec(
            "uuid", schema="pg_catalog", encoder=str, decoder=str, format="text"
        )
        return PooledConnection(connection)

    async def _read(
        self, tenant_id: str, verb: Callable[..., Awaitable[R]], args: Any, kwargs: Any
    ) -> R:
        async with self._pool.connection() as link:
            return await verb(PostgresTx(link, tenant_id, read_only=True), *args, **kwargs)

    async def _ask(self, text: str) -> Any:
        try:
            async with self._pool.connection() as link:
                return await link.connection.fetchval(text)
        except Exception as error:
            raise to_store_error(error) from error


async def _write(
    pool: Pool, tenant_id: str, verb: Callable[..., Awaitable[R]], args: Any, kwargs: Any
) -> R:
    """Run a verb in a transaction until it is committed or refused."""
    losses = 0
    for attempt in range(1, _TRIES + 1):
        try:
            return await _transaction(pool, tenant_id, verb, args, kwargs)
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
    raise AssertionError("every round returns, raises or is followed by another")


async def _transaction(
    pool: Pool, tenant_id: str, verb: Callable[..., Awaitable[R]], args: Any, kwargs: Any
) -> R:
    async with pool.connection() as link:
        await link.connection.execute(_BEGIN)
        try:
            result = await verb(PostgresTx(link, tenant_id), *args, **kwargs)
        except Exception:
            if link.usable():
                await link.connection.execute("ROLLBACK")
            raise
        await _commit(link)
        return result


async def _commit(link: PooledConnection) -> None:
    """From here on the outcome of a failure is unknown: it must not be run again."""
    try:
        answer = await link.connection.execute("COMMIT")
    except Exception as error:
        link.terminate()
        raise Unavailable() from error
    if answer != "COMMIT":
        raise RuntimeError("a verb went on after a statement had failed: nothing was committed")
