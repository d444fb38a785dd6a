"""A table for tests of the databases, and transactions on it."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.schema import CreateTable

from koine.kit.ids import new_id
from koine.store.core.db import Database, Tx
from koine.store.core.expressions import (
    contains_text,
    in_list,
    insert_ignoring,
    upsert,
    values_table,
)
from koine.store.core.statements import Command, InsertMany, Query, UpdateMany, param
from koine.store.core.types import Uuid
from koine.store.postgres import renderer as postgres_sql
from koine.store.sqlite import renderer as sqlite_sql

DIALECTS = {"sqlite": sqlite_sql.DIALECT, "postgres": postgres_sql.DIALECT}

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("tenant_id", Uuid(), primary_key=True),
    sa.Column("id", Uuid(), primary_key=True),
    sa.Column("name", sa.Text()),
    sa.Column("count", sa.BigInteger()),
    sa.Column("open", sa.Boolean()),
    sa.UniqueConstraint("tenant_id", "name", name="things_name"),
)
c = things.c
MINE = c.tenant_id == param("tenant_id")


class Thing(Struct, frozen=True):
    id: str
    name: str | None
    count: int | None
    open: bool | None


COLUMNS = (c.id, c.name, c.count, c.open)
ALL = Query(sa.select(*COLUMNS).where(MINE).order_by(c.name), Thing)
NAMES = Query(sa.select(c.name).where(MINE).order_by(c.name), str)
BY_ID = Query(sa.select(*COLUMNS).where(MINE, c.id == param("id")), Thing)
OPEN = Query(sa.select(c.name).where(MINE, c.open).order_by(c.name).limit(param("limit")), str)
IN = Query(sa.select(c.name).where(MINE, in_list(c.id, "ids")).order_by(c.name), str)
NOT_IN = Query(sa.select(c.name).where(MINE, ~in_list(c.id, "ids")).order_by(c.name), str)
SEARCH = Query(sa.select(c.name).where(MINE, contains_text(c.name, "text")).order_by(c.name), str)
WANTED = values_table("wanted", {"tenant_id": Uuid, "id": Uuid, "n": sa.BigInteger})
FACTS = Query(
    sa.select(WANTED.c.n, c.name)
    .join_from(WANTED, things, (c.tenant_id == WANTED.c.tenant_id) & (c.id == WANTED.c.id))
    .order_by(WANTED.c.n)
    .with_for_update(of=things),
)
VALUES = {"tenant_id": param("tenant_id")} | {column.name: param(column.name) for column in COLUMNS}
INSERT = Command(sa.insert(things).values(VALUES))
IGNORE = Command(insert_ignoring(things, VALUES, ["tenant_id", "name"]))
UPSERT = Query(
    upsert(
        things, VALUES, ["tenant_id", "id"], lambda new: {"count": c.count + new.count}
    ).returning(c.count),
    int,
)
RENAME = Command(sa.update(things).where(MINE, c.id == param("id")).values(name=param("new_name")))
DELETE = Command(sa.delete(things).where(MINE))
INSERT_MANY = InsertMany(things, ["tenant_id", "id", "name", "count", "open"])
ADD_MANY = InsertMany(
    things,
    ["tenant_id", "id", "name", "count", "open"],
    on_conflict=["tenant_id", "id"],
    adding=["count"],
)
RAISE_MANY = UpdateMany(things, ["tenant_id", "id"], ["open"], greatest=["count"])


async def make_table(db: Database, table: sa.Table = things) -> None:
    """Create the scratch table, or another, if the database does not have it."""
    ddl = str(CreateTable(table, if_not_exists=True).compile(dialect=DIALECTS[db.kind]))
    await db.alter_schema(lambda _version: ddl)


async def add(tx: Tx, name: str | None, count: int = 0, open: bool | None = True) -> str:
    """Insert one row; return its id."""
    id = new_id()
    await tx.run(INSERT, id=id, name=name, count=count, open=open)
    return id


async def add_many(tx: Tx, command: Any, rows: list[tuple[Any, ...]]) -> None:
    await tx.many(command, rows)


async def names(tx: Tx) -> list[str]:
    return await tx.all(NAMES)


async def ask(tx: Tx, /, query: Query[Any], **params: Any) -> list[Any]:
    return await tx.all(query, **params)


async def do(tx: Tx, /, command: Command, **params: Any) -> int:
    return await tx.run(command, **params)
