"""Many rows at once: a snapshot to read them from, a connection to write them on, and the sequences
that go on above them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from koine.store.core.db import BrokenRow, Duplicate, Tx
from koine.store.core.statements import InsertMany, Query
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
_RAISE = "SELECT CASE WHEN nextval({0}) < $1 THEN setval({0}, $1) END"


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
        with _errors():
            async with self._pooled.connection.transaction():
                return await operation(PostgresTx(self._pooled, tenant_id), *args, **kwargs)

    async def copy(
        self,
        command: InsertMany,
        rows: Sequence[tuple[Any, ...]],
        operation: Callable[Concatenate[Tx, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """By COPY in its binary format."""
        names = [column.name for column in command.columns]
        with _errors():
            async with self._pooled.connection.transaction():
                await self._pooled.connection.copy_records_to_table(
                    str(command.columns[0].table.name), records=rows, columns=names
                )
                return await operation(PostgresTx(self._pooled, ""), *args, **kwargs)


async def use_binary_ids(connection: Any) -> None:
    """Let a connection send ids in the binary format, the only one in which it can copy."""
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", encoder=_id_bytes, decoder=_id_text, format="binary"
    )


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
    await connection.fetchval(_RAISE.format(_NUMBERS), number)


async def raise_positions(connection: Any, position: int) -> None:
    """As `raise_message_numbers`, of the positions of events."""
    await connection.fetchval(_RAISE.format(_POSITIONS), position)


async def last_message_number(connection: Any) -> int:
    """The last number that the sequence gave."""
    name = await connection.fetchval(f"SELECT {_NUMBERS}")
    text = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"
    return int(await connection.fetchval(text))


@contextmanager
def _errors() -> Iterator[None]:
    """Translates the errors of a bulk writer."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Duplicate(error.constraint_name or "") from error
    except _BROKEN as error:
        raise BrokenRow(str(error)) from error
    except Exception as error:
        raise to_store_error(error) from error


def _id_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


def _id_text(value: bytes) -> str:
    text = value.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _tuple(*row: Any) -> tuple[Any, ...]:
    return row
