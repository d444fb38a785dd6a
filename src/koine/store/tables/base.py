"""What every table is made of: the metadata and the few kinds of column and index.

Every tenant's row is keyed by (tenant_id, id), so that one tenant's rows are never found by
another's id and the tables distribute by tenant. Ids are UUIDs, times BIGINT µs, JSON is text.
"""

from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
    true,
)

from koine.store.core.types import Uuid

metadata = MetaData()


def id_(name: str, nullable: bool = False) -> Column[str]:
    """A UUID, text in Python."""
    return Column(name, Uuid(), nullable=nullable)


def text_(name: str, nullable: bool = True) -> Column[str]:
    """Text or JSON text."""
    return Column(name, Text(), nullable=nullable)


def text_with_default(name: str, default: str) -> Column[str]:
    """Text with a `default` for the rows that were there before the column was."""
    return Column(name, Text(), nullable=False, server_default=default)


def int_(name: str, nullable: bool = False) -> Column[int]:
    """A whole number, or a time in µs since the epoch."""
    return Column(name, BigInteger(), nullable=nullable)


def blob(name: str) -> Column[bytes]:
    """Bytes, or none."""
    return Column(name, LargeBinary(), nullable=True)


def flag(name: str, *, default: bool | None = None) -> Column[bool]:
    """Yes or no; with a `default` for the rows that were there before the column was."""
    if default is None:
        return Column(name, Boolean(), nullable=False)
    return Column(name, Boolean(), nullable=False, server_default=true() if default else false())


def position(name: str) -> Column[int]:
    """A number the database gives out, growing, as the primary key."""
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)


def numbered(name: str) -> Column[int]:
    """A number of the server's own count, growing in the order in which rows are added: the
    database's sequence gives it out, or where there is none an `InsertMany` that is `numbered`."""
    return Column(name, BigInteger(), Identity(), nullable=False)


def primary_key(*columns: str) -> PrimaryKeyConstraint:
    """The primary key."""
    return PrimaryKeyConstraint(*columns)


def same_tenant_reference(column: str, table: str) -> ForeignKeyConstraint:
    """The other row is of the same tenant or there is none: crossing is impossible."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that fulfil `where`, an SQL condition both databases read."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def columns_of(table: Table, struct: type[Struct]) -> list[Column[Any]]:
    """The table's columns in the order of the noun's fields, so that a row makes a noun."""
    return [table.c[name] for name in struct.__struct_fields__]
