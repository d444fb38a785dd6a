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
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from koine.store.types import Uuid

metadata = MetaData()


def id_(name: str, nullable: bool = False) -> Column[str]:
    """A UUID, text in Python."""
    return Column(name, Uuid(), nullable=nullable)


def text_(name: str, nullable: bool = True) -> Column[str]:
    """Text or JSON text."""
    return Column(name, Text(), nullable=nullable)


def int_(name: str, nullable: bool = False) -> Column[int]:
    """A whole number, or a time in µs since the epoch."""
    return Column(name, BigInteger(), nullable=nullable)


def blob(name: str) -> Column[bytes]:
    """Bytes, or none."""
    return Column(name, LargeBinary(), nullable=True)


def flag(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean(), nullable=False)


def position(name: str) -> Column[int]:
    """A number the database gives out, growing, as the primary key."""
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)


def key(*columns: str) -> PrimaryKeyConstraint:
    """The primary key."""
    return PrimaryKeyConstraint(*columns)


def belongs(column: str, table: str) -> ForeignKeyConstraint:
    """The other row is of the same tenant or there is none: crossing is impossible."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that fulfil `where`, an SQL condition both databases read."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def columns_of(table: Table, noun: type[Struct]) -> list[Column[Any]]:
    """The table's columns in the order of the noun's fields, so that a row makes a noun."""
    return [table.c[name] for name in noun.__struct_fields__]
