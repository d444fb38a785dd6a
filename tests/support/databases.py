"""Both databases with Koine's tables, opened as the server opens them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import delete, select

from koine.store import schema, server_values
from koine.store.core.db import Database, Tx, no_listener
from koine.store.core.statements import Command, Query
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from koine.store.tables import metadata, server
from tests.support.shared_postgres import SharedPostgres

_WHY = "a test empties a database of its own"
_NAMES = Query(select(server.c.name), str, crosses_tenants=_WHY)
_DELETE_ALL = [
    Command(delete(table), crosses_tenants=_WHY) for table in reversed(metadata.sorted_tables)
]


class ReusableDatabase:
    """A database that one test after the other uses alone. Emptying it takes a few milliseconds; a
    new one takes PostgreSQL 150 ms of a core."""

    def __init__(self, db: Database, initial: dict[str, str]) -> None:
        self._db = db
        self._initial = initial

    @classmethod
    async def of(cls, db: Database) -> "ReusableDatabase":
        """Of a database that has no rows yet but those of the migrations."""
        return cls(db, await db.read("", _server_values))

    async def emptied(self) -> Database:
        """The database, as the migrations left it; sequences and the event log's positions go on
        from where they were."""
        self._db.after_commit = no_listener
        await self._db.write("", _reset, self._initial)
        return self._db


async def _server_values(tx: Tx) -> dict[str, str]:
    names = await tx.all(_NAMES)
    return {name: await server_values.get(tx, name) or "" for name in names}


async def _reset(tx: Tx, initial: dict[str, str]) -> None:
    for command in _DELETE_ALL:
        await tx.run(command)
    for name, value in initial.items():
        await server_values.put(tx, name, value)


@asynccontextmanager
async def sqlite(directory: Path) -> AsyncIterator[Database]:
    """A SQLite database in `directory`, which does not wait for the disk, as the tests' PostgreSQL
    does not: nothing need survive a power cut, and a commit is an fsync of 1 to 10 ms."""
    opened = await SqliteDatabase.open(directory / "koine.db")
    for connection in (opened._writer._connection, opened._checkpointer._connection):
        connection.execute("PRAGMA synchronous=OFF").fetchall()
    try:
        await schema.migrate(opened)
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def postgres(shared: SharedPostgres) -> AsyncIterator[Database]:
    """A new database on the run's PostgreSQL, copied from a template with the tables."""
    opened = await PostgresDatabase.open(shared.new_database(with_tables))
    try:
        yield opened
    finally:
        await opened.close()


async def with_tables(url: str) -> None:
    """Create the tables in the database at `url`."""
    opened = await PostgresDatabase.open(url)
    try:
        await schema.migrate(opened)
    finally:
        await opened.close()
