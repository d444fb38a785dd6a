"""Write a new migration: what separates `tables/` from the migrations that are there.

The comparison needs a database; one in memory, brought to the head, is all it takes.
"""

from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy.pool import StaticPool

from koine.store import migration_sql, schema
from koine.store.tables import metadata
from koine.store.core.types import Uuid

_HERE = Path(__file__).parent


def _render(kind: str, thing: Any, autogen: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(thing, Uuid):
        autogen.imports.add("from koine.store.core.types import Uuid")
        return "Uuid()"
    return False


def _number(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """0002, 0003, …: the order can be read off a listing."""
    steps = list(context.script.walk_revisions())
    directives[0].rev_id = f"{len(steps) + 1:04d}"


def _write() -> None:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        if schema.revisions(_HERE):
            raw.executescript(migration_sql.script("sqlite", None, _HERE))
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_item=_render,
            process_revision_directives=_number,
        )
        context.run_migrations()


_write()
