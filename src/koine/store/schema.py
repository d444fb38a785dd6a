"""Bring a database to the tables this program knows.

Alembic writes the SQL of the steps from where the database is to where the program is
(`koine.store.migration_sql`, in a process of its own), and our own drivers run it in one
transaction, alone. So there is no second driver to install or to trust with the file, a step that
fails leaves nothing behind, and two processes that start at once do it once. The price: a migration
speaks SQL or Alembic operations only; it cannot read rows into Python. A large rewrite of rows is a
job of its own, not a migration: `koine.store.search_backfill` folds the texts of searches, after
the steps.

SQLite cannot change a column in place: such a migration makes the table anew and copies the rows.

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
    """The tables are not those this program knows; the message says what to do."""


async def migrate(db: Database) -> None:
    """Create the tables or bring them up to date; does nothing when they are.

    Raises WrongSchema when a newer Koine has been here, Unavailable.
    """
    if await db.version() != head():
        await db.alter_schema(lambda version: script(db.kind, version))
    await backfill_search_texts(db)


async def check(db: Database) -> None:
    """Raises WrongSchema unless the tables are exactly those this program knows."""
    version = await db.version()
    if version == head():
        return
    if version is None:
        raise WrongSchema("the database is empty: run `koine migrate`")
    _refuse_unknown(version)
    raise WrongSchema(f"the database is at {version}, not at {head()}: run `koine migrate`")


def head() -> str:
    """The revision this program knows."""
    return revisions(_MIGRATIONS)[-1]


def knows(revision: str) -> bool:
    """Whether this program can start from this revision."""
    return revision in revisions(_MIGRATIONS)


@cache
def revisions(directory: Path) -> list[str]:
    """Every revision in order: 0001, 0002, …, as the migrations' files are named."""
    return sorted(file.name.partition("_")[0] for file in directory.glob("versions/[0-9]*.py"))


def script(kind: str, version: str | None) -> str:
    """The SQL from `version` (None: nothing yet) to the head, for one kind of database.

    Raises WrongSchema for a version this program does not know.
    """
    if version == head():
        return ""
    if version is not None:
        _refuse_unknown(version)
    return _written(kind, version or "-", _MIGRATIONS)


@cache
def _written(kind: str, version: str, directory: Path) -> str:
    # -P: a folder called koine where one happens to stand is not ours.
    program = [
        sys.executable,
        "-P",
        "-m",
        "koine.store.migration_sql",
        kind,
        version,
        str(directory),
    ]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the migration cannot be written:\n{done.stderr}")
    return done.stdout


def _refuse_unknown(version: str) -> None:
    if not knows(version):
        raise WrongSchema(
            f"the database is at {version}, which this Koine does not know: "
            "a newer one has changed it, run that one"
        )
