"""Migrate a database to the tables that this program knows, and check that it has them.

Alembic writes the SQL of the migrations that are missing (`koine.store.migration_sql`, in a
subprocess), and our own drivers run it in one transaction under an exclusive lock. So no second
driver is needed, a migration that fails changes nothing, and of two processes that start at the
same time one migrates and the other finds it done. The price: a migration consists of SQL and
Alembic operations; it cannot read rows into Python. A large rewrite of rows is a job that can be
stopped and continued: `koine.store.search_backfill` fills the folded texts, after the migrations.

SQLite cannot change a column in place: such a migration creates the table anew and copies the rows.

A new migration: change `tables/`, then `make migration NAME="what changes"`, and read the result.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

from koine.store.core.db import Database
from koine.store.search_backfill import backfill_search_texts

_MIGRATIONS = Path(__file__).parent / "migrations"


class WrongSchema(Exception):
    """The tables are not those that this program needs; the message says what to do."""


async def migrate(db: Database) -> None:
    """Create the tables or migrate them to this program's revision.

    Raises WrongSchema if a newer Koine has migrated them, Unavailable.
    """
    if await db.version() != head():
        await db.alter_schema(lambda version: script(db.kind, version))
    await backfill_search_texts(db)


async def check(db: Database, *, allow_newer: bool = False) -> None:
    """Raises WrongSchema unless the tables are those this program knows.

    `allow_newer`: or those of a newer Koine. From the first release on migrations only add, or the
    changelog says to stop all nodes (CONTRIBUTING.md), so a process that was started before works
    on. It must not be started on them: which of them only add is known to the newer program alone.
    """
    version = await db.version()
    if version == head():
        return
    if version is None:
        raise WrongSchema("the database is empty: run `koine migrate`")
    if not knows(version):
        if allow_newer:
            return
        raise _newer(version)
    raise WrongSchema(f"the database is at {version}, not at {head()}: run `koine migrate`")


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


@cache
def revisions(directory: Path) -> list[str]:
    """Every revision in order: 0001, 0002, …, from the names of the migrations' files."""
    return sorted(file.name.partition("_")[0] for file in directory.glob("versions/[0-9]*.py"))


def script(kind: str, version: str | None) -> str:
    """The SQL that migrates one kind of database from `version` (None: empty) to the head.

    Raises WrongSchema if this program does not know `version`.
    """
    if version == head():
        return ""
    if version is not None and not knows(version):
        raise _newer(version)
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


def _newer(version: str) -> WrongSchema:
    return WrongSchema(
        f"the database is at {version}, which this Koine does not know: "
        "a newer one has changed it, run that one"
    )
