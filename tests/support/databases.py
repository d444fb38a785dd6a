"""Both databases with Koine's tables, opened as the server opens them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from koine.store import schema
from koine.store.core.db import Database
from koine.store.postgres import PostgresDatabase
from koine.store.sqlite import SqliteDatabase
from tests.support.shared_postgres import SharedPostgres


@asynccontextmanager
async def sqlite(directory: Path) -> AsyncIterator[Database]:
    """A SQLite database in `directory`."""
    opened = await SqliteDatabase.open(directory / "koine.db")
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
