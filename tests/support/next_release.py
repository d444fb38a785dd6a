"""The release after this one: this program with one more migration.

The history has no older program that can be installed from a clone, so an upgrade is tested the
other way round: the older nodes are this program as it is, the newer one is this with a migration
added.
"""

import shutil
from pathlib import Path

import pytest

from koine.store import schema
from koine.store.core.db import Database
from koine.store.migration_files import Kind

REVISION = "9000"
_COLOUR = """\
from alembic import op
import sqlalchemy as sa

revision = "9000"
down_revision = "{before}"
kind = "{kind}"


def upgrade() -> None:
    op.add_column("tenants", sa.Column("colour", sa.Text()))
    op.execute("UPDATE tenants SET colour = 'it''s red'")
"""


def next_migrations(folder: Path, kind: Kind) -> Path:
    """A copy, in `folder`, of the folder of migrations with one more of this kind."""
    made = folder / f"migrations_{kind}"
    if not made.exists():
        shutil.copytree(schema._MIGRATIONS, made)
    text = _COLOUR.format(before=schema.head(), kind=kind)
    (made / "versions" / f"{REVISION}_colour.py").write_text(text)
    return made


async def migrate_by_next_release(db: Database, folder: Path, kind: Kind) -> None:
    """Migrate as the next release does when it starts."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "_MIGRATIONS", next_migrations(folder, kind))
        await schema.migrate(db)
