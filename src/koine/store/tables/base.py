"""The metadata, and the kinds of columns and indexes that the tables use.

Rows of a tenant have the primary key (tenant_id, id), so that an id alone finds no row of another
tenant, and the tables can be distributed by tenant. Ids are UUIDs, times BIGINT µs, JSON is text.
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
    """Text with a `default` for rows that are older than the column."""
    return Column(name, Text(), nullable=False, server_default=default)


def int_(name: str, nullable: bool = False) -> Column[int]:
    """A whole number, or a time in µs since the epoch."""
    return Column(name, BigInteger(), nullable=nullable)


def int_with_default(name: str, default: int) -> Column[int]:
    """A whole number with a `default` for rows that are older than the column."""
    return Column(name, BigInteger(), nullable=False, server_default=str(default))


def blob(name: str) -> Column[bytes]:
    """Bytes, or none."""
    return Column(name, LargeBinary(), nullable=True)


def flag(name: str, *, default: bool | None = None) -> Column[bool]:
    """A boolean, perhaps with a `default` for rows that are older than the column."""
    if default is None:
        return Column(name, Boolean(), nullable=False)
    return Column(name, Boolean(), nullable=False, server_default=true() if default else false())


def position(name: str) -> Column[int]:
    """A growing number that the database assigns, the primary key."""
    return Column(name, BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)


def numbered(name: str) -> Column[int]:
    """A number that grows in the order of the inserts: from a sequence of PostgreSQL, and on SQLite
    from the `numbered` of an `InsertMany`."""
    return Column(name, BigInteger(), Identity(), nullable=False)


def primary_key(*columns: str) -> PrimaryKeyConstraint:
    """The primary key."""
    return PrimaryKeyConstraint(*columns)


def key_in_tenant(table: Table) -> list[Column[Any]]:
    """The columns of the primary key without `tenant_id`."""
    return [column for column in table.primary_key.columns if column.name != "tenant_id"]


def same_tenant_reference(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key to a row of the same tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of the rows that fulfil `where`, an SQL condition for both databases."""
    condition = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def columns_of(table: Table, struct: type[Struct], **names: str) -> list[Column[Any]]:
    """The columns of the table with the names of the struct's fields, in their order. `names` has
    those of fields whose columns have another name."""
    return [table.c[names.get(name, name)] for name in struct.__struct_fields__]
