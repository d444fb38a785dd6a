"""Many rows at once: a snapshot to read them from, a connection to write them on, and the sequences
that go on above them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from koine.store.core.db import BrokenRow, Tx
from koine.store.core.statements import Query
from koine.store.postgres.tx import PooledConnection, PostgresTx, to_store_error

R = TypeVar("R")
P = ParamSpec("P")

_BROKEN = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,  # a text that is too long for an index
)
_MARGIN = 1_000_000
"""Positions left free: more than other transactions can take between two statements."""
_POSITIONS = "pg_get_serial_sequence('events', 'position')"
_NUMBERS = "pg_get_serial_sequence('messages', 'number')"


class PostgresSnapshot:
    """The `Snapshot` of a transaction that is open on a connection."""

    def __init__(self, pooled: PooledConnection) -> None:
        self._pooled = pooled

    async def read(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation that reads."""
        return await operation(PostgresTx(self._pooled, tenant_id, read_only=True), *args, **kwargs)

    async def stream(self, query: Query[R], size: int, /, **params: Any) -> AsyncIterator[list[R]]:
        """By a cursor of the server."""
        tx = PostgresTx(self._pooled, params["tenant_id"], read_only=True)
        cursor = await tx.cursor(query, **params)
        into: Any = query.into or _tuple
        while rows := await cursor.fetch(size):
            yield [into(*row) for row in rows]


class PostgresBulkWriter:
    """The `BulkWriter` of a connection."""

    def __init__(self, pooled: PooledConnection) -> None:
        self._pooled = pooled

    async def write(
        self,
        tenant_id: str,
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run an operation in one transaction."""
        try:
            async with self._pooled.connection.transaction():
                return await operation(PostgresTx(self._pooled, tenant_id), *args, **kwargs)
        except _BROKEN as error:
            raise BrokenRow(str(error)) from error
        except Exception as error:
            raise to_store_error(error) from error


async def take_positions(connection: Any, count: int) -> int:
    """Take positions for events; returns the one before the first of them.

    `setval` may not move the sequence back behind what others have taken meanwhile: hence the
    margin.
    """
    last: int = await connection.fetchval(f"SELECT nextval({_POSITIONS})")
    await connection.fetchval(f"SELECT setval({_POSITIONS}, $1)", last + _MARGIN + count)
    return last + _MARGIN


async def raise_message_numbers(connection: Any, number: int) -> None:
    """Number the next messages above `number`; the sequence only moves forward."""
    await connection.fetchval(
        f"SELECT CASE WHEN nextval({_NUMBERS}) < $1 THEN setval({_NUMBERS}, $1) END", number
    )


def _tuple(*row: Any) -> tuple[Any, ...]:
    return row
