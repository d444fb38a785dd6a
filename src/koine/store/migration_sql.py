"""Writes, by Alembic, the SQL that migrates one kind of database from a revision to the head.

`koine.store.schema` runs this module in a subprocess, since Alembic takes megabytes of memory and
is needed once in a release. It works like Alembic's `--sql` mode:

    python -m koine.store.migration_sql KIND REVISION|- DIRECTORY
"""

import sys
from io import StringIO
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Dialect

from koine.store import migration_files, migration_records
from koine.store.postgres import renderer as postgres_sql
from koine.store.sqlite import renderer as sqlite_sql

_DIALECTS: dict[str, Dialect] = {"sqlite": sqlite_sql.DIALECT, "postgres": postgres_sql.DIALECT}


def script(kind: str, version: str | None, directory: Path) -> str:
    """The SQL from `version` (None: empty) to the head of the migrations in `directory`."""
    scripts = ScriptDirectory(str(directory))
    migrations = {each.revision: each for each in migration_files.list_all(directory)}
    text = StringIO()

    def record(ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
        """Store what a migration means for older nodes, in its own transaction."""
        applied = migrations[str(step.up_revision_id)]
        ctx.impl.static_output(f"{migration_records.insert_sql(applied)};\n")

    options: dict[str, object] = {
        "as_sql": True,
        "output_buffer": text,
        "literal_binds": True,
        "transactional_ddl": False,  # the caller runs the text in a transaction
        "starting_rev": version,
        "script": scripts,
        "on_version_apply": (record,),
        "fn": lambda revision, _context: scripts._upgrade_revs("head", revision),
    }
    context = MigrationContext.configure(dialect=_DIALECTS[kind], opts=options)
    with Operations.context(context):
        context.run_migrations()
    return text.getvalue().strip()


def main(kind: str, version: str, directory: str) -> None:
    """Write the SQL to standard output; `version` "-" is an empty database."""
    sys.stdout.write(script(kind, None if version == "-" else version, Path(directory)))


if __name__ == "__main__":
    main(*sys.argv[1:])
