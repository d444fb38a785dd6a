"""A server with a row in every table, in one database, and others to move it to."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, select

from koine.engine.core.engine import Engine, open_engine
from koine.kit.clock import FakeClock
from koine.kit.ids import new_id
from koine.kit.settings import Settings
from koine.server.database import open_database
from koine.server.move import moving
from koine.server.move.moving import MoveReport
from koine.server.move.obstacles import MoveOptions
from koine.server.move.values import OF_THE_DATABASE
from koine.server.webhook_formats import webhook_formats
from koine.store import schema, whole_tables
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query
from koine.store.core.types import Uuid
from koine.store.tables import metadata
from tests.cast import Cast, make_cast, make_settings
from tests.engine.archive.archived import fill
from tests.support.shared_postgres import SharedPostgres

SELECT_ALL = {
    str(table.name): Query(select(table), crosses_tenants="a test compares whole databases")
    for table in metadata.sorted_tables
}


class Original(Struct, frozen=True):
    """A server with a row in every table of tenants, whose database is closed: its folder, its cast
    and the id of Acme's conversation."""

    folder: Path
    cast: Cast
    conversation_id: str


class Places(Struct):
    """Names databases by the test's folder; those of SQLite are `<name>.db` in it."""

    folder: Path
    shared: SharedPostgres
    original: Original

    def sqlite(self, name: str = "here", data: str = "data") -> Settings:
        """The settings of a server on a SQLite file."""
        return self._settings(f"sqlite:///{self.folder}/{name}.db", data)

    def postgres(self, data: str = "data") -> Settings:
        """The settings of a server on a new, empty PostgreSQL database."""
        return self._settings(self.shared.new_empty_database(), data)

    def to(self, kind: str) -> Settings:
        """The settings of a server on an empty database of this kind."""
        return self.postgres() if kind == "postgres" else self.sqlite("there")

    def filled(self) -> Settings:
        """A copy of the original server, on SQLite."""
        shutil.copytree(self.original.folder, self.folder, dirs_exist_ok=True)
        return self.sqlite()

    def _settings(self, url: str, data: str) -> Settings:
        return _settings(self.folder, url, data)


def _settings(folder: Path, url: str, data: str) -> Settings:
    return make_settings(data_dir=str(folder / data), database_url=url, database_wait_seconds=0)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database of a server, with tables."""
    db = await open_database(settings)
    try:
        await schema.migrate(db)
        yield db
    finally:
        await db.close()


async def make_original(folder: Path) -> Original:
    """Create the server that the tests copy."""
    settings = _settings(folder, f"sqlite:///{folder}/here.db", "data")
    async with opened(settings) as db:
        cast = await make_cast(db, None, data_dir=settings.data_dir)
        conversation_id = await fill(cast)
        await db.write(cast.acme.tenant.id, _fill_empty_tables)
        return Original(folder, cast, conversation_id)


async def _fill_empty_tables(tx: Tx) -> None:
    """A row for each table that has none, and refers to no other."""
    counts = await whole_tables.count_tables(tx)
    for table in whole_tables.TABLES:
        if not counts[str(table.name)] and not table.foreign_keys:
            row = tuple(_value(column, tx.tenant_id) for column in table.columns)
            await tx.many(whole_tables.insert_command(table), [row])


def _value(column: Column[Any], tenant_id: str) -> Any:
    """Some value of a column's type."""
    if column.name == "tenant_id":
        return tenant_id
    if isinstance(column.type, Uuid):
        return new_id()
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, LargeBinary):
        return b"\x00\xff"
    return -1 if isinstance(column.type, BigInteger | Integer) else "{}"


async def engine_over(db: Database, settings: Settings) -> Engine:
    """The engine of a server."""
    return await open_engine(db, FakeClock(), settings, webhook_formats(settings.public_url()))


async def move(
    source: Settings, target: Settings, show: moving.Show | None = None, **options: bool
) -> MoveReport:
    """Move a server."""
    return await moving.move(source, target, MoveOptions(**options), show or (lambda *_: None))


async def all_rows(settings: Settings) -> dict[str, list[Any]]:
    """Every row of a database by table, but for those of `server` that do not move, sorted."""
    async with opened(settings) as db:
        found = {name: await db.read("", _all, query) for name, query in SELECT_ALL.items()}
    found["server"] = [row for row in found["server"] if not row[0].startswith(OF_THE_DATABASE)]
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


async def _all(tx: Tx, query: Query[Any]) -> list[Any]:
    return await tx.all(query)
