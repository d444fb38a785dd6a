"""What the migrations that were applied mean for older nodes, as rows of the table `server`.

A Koine finds here the migrations that a newer one has applied. `koine.store.migration_sql` writes
the rows in the transaction of each migration.
"""

from collections.abc import Mapping
from typing import get_args

from sqlalchemy import func, select

from koine.store.core.db import Tx
from koine.store.core.statements import Query
from koine.store.migration_files import Kind, Migration
from koine.store.server_values import CROSSES_TENANTS
from koine.store.tables import server as t

PREFIX = "migration:"
"""Before the revision, in the name of a row; its value is the kind and the revision before."""
SELECT_ALL = f"SELECT name, value FROM server WHERE substr(name, 1, {len(PREFIX)}) = '{PREFIX}'"
"""As `list_all` reads them, for a connection without a `Tx`."""
_LIST = Query(
    select(t.c.name, t.c.value).where(func.substr(t.c.name, 1, len(PREFIX)) == PREFIX),
    crosses_tenants=CROSSES_TENANTS,
)


async def list_all(tx: Tx) -> dict[str, str]:
    """The values of the rows by their names."""
    return {str(name): str(value) for name, value in await tx.all(_LIST)}


def insert_sql(migration: Migration) -> str:
    """The SQL that writes the row of a migration, in place of one from before a restore."""
    name, value = f"{PREFIX}{migration.revision}", f"{migration.kind} {migration.after}".strip()
    return (
        f"DELETE FROM server WHERE name = '{name}';\n"
        f"INSERT INTO server (name, value) VALUES ('{name}', '{value}')"
    )


def newer_migrations(records: Mapping[str, str], version: str, head: str) -> list[Migration] | None:
    """The migrations from `head` (not included) to `version`, in order, as the rows say it; None
    if a row is missing or cannot be read."""
    found: list[Migration] = []
    at = version
    while at != head:
        kind, _, after = records.get(f"{PREFIX}{at}", "").partition(" ")
        if kind not in get_args(Kind) or not after or len(found) > len(records):
            return None
        found.append(Migration(at, "", "adds" if kind == "adds" else "contracts", after))
        at = after
    return found[::-1]
