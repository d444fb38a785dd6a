"""Bring a database to the tables this program knows.

Alembic writes the SQL of the steps from where the database is to where the program is, as its
`--sql` mode does, and our own drivers run it in one transaction, alone. So there is no second
driver to install or to trust with the file, a step that fails leaves nothing behind, and two
processes that start at once do it once. The price: a migration speaks SQL or Alembic operations
only; it cannot read rows into Python. A large rewrite of rows is a job of its own, not a migration.

SQLite cannot change a column in place: such a migration makes the table anew and copies the rows.

A new migration: change `tables/`, then `make migration NAME="what changes"`, and read the result.
"""

from functools import cache
from io import StringIO
from pathlib import Path
from threading import Lock

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Dialect

from koine.store.db import Database
from koine.store.postgres import spelling as postgres_sql
from koine.store.sqlite import spelling as sqlite_sql

_DIALECTS: dict[str, Dialect] = {"sqlite": sqlite_sql.DIALECT, "postgres": postgres_sql.DIALECT}
_MIGRATIONS = Path(__file__).parent / "migrations"

# A migration's `op` is one name for the whole process.
_ONE_AT_A_TIME = Lock()


class WrongSchema(Exception):
    """The tables are not those this program knows; the message says what to do."""


async def migrate(db: Database) -> None:
    """Create the tables or bring them up to date; does nothing when they are.

    Raises WrongSchema when a newer Koine has been here, Unavailable.
    """
    if await db.version() != head():
        await db.alter_schema(lambda version: script(db.kind, version))


async def check(db: Database) -> None:
    """Raises WrongSchema unless the tables are exactly those this program knows."""
    version = await db.version()
    if version == head():
        return
    if version is None:
        raise WrongSchema("the database is empty: run `koine migrate`")
    _refuse_unknown(version)
    raise WrongSchema(f"the database is at {version}, not at {head()}: run `koine migrate`")


def head() -> str | None:
    """The revision this program knows; None only while there is no migration at all."""
    return _scripts().get_current_head()


@cache
def script(kind: str, version: str | None) -> str:
    """The SQL from `version` (None: nothing yet) to the head, for one kind of database.

    Raises WrongSchema for a version this program does not know.
    """
    scripts = _scripts()
    if version is not None:
        _refuse_unknown(version)
    text = StringIO()
    options = {
        "as_sql": True,
        "output_buffer": text,
        "literal_binds": True,
        "transactional_ddl": False,  # whoever runs the text has begun a transaction
        "starting_rev": version,
        "script": scripts,
        "fn": lambda revision, _context: scripts._upgrade_revs("head", revision),
    }
    context = MigrationContext.configure(dialect=_DIALECTS[kind], opts=options)
    with _ONE_AT_A_TIME, Operations.context(context):
        context.run_migrations()
    return text.getvalue().strip()


def _refuse_unknown(version: str) -> None:
    try:
        _scripts().get_revision(version)
    except CommandError:
        raise WrongSchema(
            f"the database is at {version}, which this Koine does not know: "
            "a newer one has changed it, run that one"
        ) from None


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))
