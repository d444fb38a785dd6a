"""Migrate a database to the tables that this program knows, and check that it can work with them.

Alembic writes the SQL of the migrations that are missing (`koine.store.migration_sql`, in a
subprocess), and our own drivers run it in one transaction under an exclusive lock. So no second
driver is needed, a migration that fails changes nothing, and of two processes that start at the
same time one migrates and the other finds it done. The price: a migration consists of SQL and
Alembic operations; it cannot read rows into Python. A large rewrite of rows is a job that can be
stopped and continued: `koine.store.search_backfill` fills the folded texts, after the migrations.

Each migration has a kind (`koine.store.migration_files`), which is stored when it is applied. So a
program recognises tables that a newer one has only added to: it works with them, may be started on
them, and changes nothing about them.

SQLite cannot change a column in place: such a migration creates the table anew and copies the rows.

A new migration: change `tables/`, then `make migration NAME="what changes"`, and read the result.
"""

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from koine.store import migration_files, migration_records
from koine.store.core.db import Database
from koine.store.migration_files import Migration
from koine.store.search_backfill import backfill_search_texts

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATE = "run `koine migrate`"
_RUN_NEWER = "run that one, or restore a backup from before the upgrade"


class WrongSchema(Exception):
    """This program cannot work with the tables. `found` says why, `advice` what to do."""

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}: {advice}")
        self.found = found
        self.advice = advice


class SchemaStatus(Struct, frozen=True):
    """How the tables of a database compare with those that this program knows.

    `version` is their revision (None: there are none), `head` that of the program. `missing` are
    the migrations that this program would apply; `newer` those that a newer one has applied, or
    None if the database does not say which.
    """

    version: str | None
    head: str
    missing: list[Migration]
    newer: list[Migration] | None

    @property
    def is_usable(self) -> bool:
        """Whether this program can work with the tables as they are."""
        return not self.missing and self.newer is not None and not contracting(self.newer)

    def fault(self) -> WrongSchema | None:
        """Why this program cannot work with the tables; None if it can."""
        if self.is_usable:
            return None
        if self.version is None:
            return WrongSchema("the database is empty", _MIGRATE)
        if self.missing:
            return WrongSchema(f"the database is at {self.version}, not at {self.head}", _MIGRATE)
        at = f"the database is at {self.version}, and this Koine knows the tables up to {self.head}"
        if self.newer is None:
            return WrongSchema(f"{at}: a newer one has changed it", _RUN_NEWER)
        names = ", ".join(each.revision for each in contracting(self.newer))
        return WrongSchema(
            f"{at}: a newer one has changed it so that older ones cannot use it ({names})",
            _RUN_NEWER,
        )


async def migrate(db: Database) -> None:
    """Create the tables or migrate them to this program's revision. Tables that a newer Koine has
    only added to are left as they are.

    Raises WrongSchema if a newer Koine has changed them otherwise, Unavailable.
    """
    if await db.version() != head():
        await db.alter_schema(lambda version: script(db.kind, version))
        await check(db)
    if await db.version() == head():
        await backfill_search_texts(db)


async def check(db: Database) -> None:
    """Raises WrongSchema unless this program can work with the tables."""
    if await db.version() != head() and (fault := (await status(db)).fault()):
        raise fault


async def status(db: Database) -> SchemaStatus:
    """How the tables compare with those of this program. Raises Unavailable."""
    version = await db.version()
    known = version is None or knows(version)
    return compare(version, {} if known else await db.read("", migration_records.list_all))


def compare(version: str | None, records: Mapping[str, str]) -> SchemaStatus:
    """How tables at `version` compare with those of this program; `records` are the rows of
    `koine.store.migration_records` in their database."""
    migrations = migration_files.list_all(_MIGRATIONS)
    if version is None:
        return SchemaStatus(version, head(), migrations, [])
    if knows(version):
        missing = migrations[revisions(_MIGRATIONS).index(version) + 1 :]
        return SchemaStatus(version, head(), missing, [])
    newer = migration_records.newer_migrations(records, version, head())
    return SchemaStatus(version, head(), [], newer)


def contracting(migrations: list[Migration]) -> list[Migration]:
    """Those of the migrations whose result an older program cannot use."""
    return [each for each in migrations if each.kind == "contracts"]


def head() -> str:
    """The revision this program knows."""
    return revisions(_MIGRATIONS)[-1]


def knows(revision: str) -> bool:
    """Whether this program can start from this revision."""
    return revision in revisions(_MIGRATIONS)


def migrations_pending(revision: str) -> int:
    """How many migrations a database of this revision ("" for an empty one) lacks; below 0: how
    many it has that this program does not know."""
    return int(head()) - int(revision or 0)


def revisions(directory: Path) -> list[str]:
    """Every revision in order: 0001, 0002, …"""
    return [each.revision for each in migration_files.list_all(directory)]


def script(kind: str, version: str | None) -> str:
    """The SQL that migrates one kind of database from `version` (None: empty) to the head; "" for
    the head and for a version that this program does not know."""
    if version == head() or (version is not None and not knows(version)):
        return ""
    return _sql_of_migrations(kind, version or "-", _MIGRATIONS)


@cache
def _sql_of_migrations(kind: str, version: str, directory: Path) -> str:
    # -P: not from a folder `koine` in the working directory.
    command = [
        sys.executable,
        "-P",
        "-m",
        "koine.store.migration_sql",
        kind,
        version,
        str(directory),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"Alembic could not write the migration:\n{done.stderr}")
    return done.stdout
