"""The rows of whole tables, of every tenant, for a move of the server to another database.

A row is a tuple with the values of all columns in the order of the table: ids as text, booleans as
bools. So the rows of two databases of different kinds can be compared.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    Table,
    Text,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from koine.kit.ids import NIL_ID
from koine.store.core.db import Snapshot, Tx
from koine.store.core.expressions import ContainsText
from koine.store.core.statements import Command, InsertMany, Query, param
from koine.store.core.types import Uuid
from koine.store.tables import metadata, server

Row = tuple[Any, ...]
WHY = "a move copies the server with all of its tenants"
TABLES: tuple[Table, ...] = tuple(t for t in metadata.sorted_tables if t is not server)
"""Every table but `server`, in the order in which rows are written: a row comes after those it
refers to."""
PAGE_ROWS, PAGE_ROWS_OF_BLOBS = 250, 25
"""Rows that are in memory at a time; those of some tables may have a megabyte each."""
_LARGE = ("idempotency_keys", "webhook_attempts")


class _Statements(Struct, frozen=True):
    keys: tuple[int, ...]
    first: tuple[Any, ...]
    every: Query[Row]
    after: Query[Row]
    count: Query[int]
    delete: Command
    insert: InsertMany
    nul: Query[Row]


def key_of(table: Table, row: Row) -> list[Any]:
    """The values of a row's primary key."""
    return [row[i] for i in _STATEMENTS[table.name].keys]


def stream_rows(
    view: Snapshot, table: Table, after: Sequence[Any] = ()
) -> AsyncIterator[list[Row]]:
    """The rows in the order of the primary key, those `after` a key if one is given, some at a
    time."""
    size = PAGE_ROWS_OF_BLOBS if table.name in _LARGE else PAGE_ROWS
    statements = _STATEMENTS[table.name]
    key = {f"key_{i}": value for i, value in enumerate(after or statements.first)}
    query = statements.after if after else statements.every
    return view.stream(query, size, tenant_id="", **key)


def insert_command(table: Table) -> InsertMany:
    """The statement that inserts rows."""
    return _STATEMENTS[table.name].insert


async def count_rows(tx: Tx, table: Table) -> int:
    """How many rows the table has."""
    return await tx.one(_STATEMENTS[table.name].count) or 0


async def count_tables(tx: Tx) -> dict[str, int]:
    """How many rows each table has, by name."""
    return {str(table.name): await count_rows(tx, table) for table in TABLES}


async def delete_all(tx: Tx) -> None:
    """Delete every row of these tables."""
    for table in reversed(TABLES):
        await tx.run(_STATEMENTS[table.name].delete)


async def rows_with_nul(tx: Tx, table: Table) -> list[list[Any]]:
    """The keys of some rows with the character NUL in a text, which only SQLite stores."""
    return [list(row) for row in await tx.all(_STATEMENTS[table.name].nul, nul="\0")]


def _statements(table: Table) -> _Statements:
    keys = list(table.primary_key.columns)
    names = [column.name for column in table.columns]
    ordered = select(*table.columns).order_by(*keys)
    # Also without a key to go on from, there is a lower bound, which lets SQLite read along the
    # index: otherwise it would sort a copy of the table in memory.
    bounds = tuple_(*(param(f"key_{i}", column.type) for i, column in enumerate(keys)))
    texts = [column for column in table.columns if isinstance(column.type, Text)]
    has_nul = or_(literal(False), *(ContainsText(column, param("nul")) for column in texts))
    return _Statements(
        tuple(names.index(column.name) for column in keys),
        tuple(_least(column) for column in keys),
        Query(ordered.where(tuple_(*keys) >= bounds), crosses_tenants=WHY),
        Query(ordered.where(tuple_(*keys) > bounds), crosses_tenants=WHY),
        Query(select(func.count()).select_from(table), int, crosses_tenants=WHY),
        Command(delete(table), crosses_tenants=WHY),
        InsertMany(table, names, crosses_tenants=WHY),
        Query(select(*keys).where(has_nul).limit(3), crosses_tenants=WHY),
    )


def _least(column: Column[Any]) -> Any:
    """The least value of a column."""
    if isinstance(column.type, BigInteger | Integer):
        return -(2**63)
    return NIL_ID if isinstance(column.type, Uuid) else ""


_STATEMENTS = {table.name: _statements(table) for table in TABLES}
