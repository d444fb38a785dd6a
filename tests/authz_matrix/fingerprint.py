"""Row counts and sums of a tenant's tables: they differ after any change of a row."""

import sqlalchemy as sa

from koine.engine.core.engine import Engine
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.core.types import Uuid
from koine.store.tables import metadata

_PRIME = 1_000_003


def _of(table: sa.Table) -> sa.Select[int, int]:
    columns = [c for c in table.columns if not isinstance(c.type, Uuid)]
    sums = [_sum(c) for c in columns if isinstance(c.type, sa.Integer | sa.Text)]
    whole = sum(sums[1:], sums[0]) if sums else sa.literal(0)
    owner = table.c.tenant_id if "tenant_id" in table.c else table.c.id
    rows = sa.select(sa.func.count(), sa.cast(whole, sa.BigInteger))
    return rows.select_from(table).where(owner == param("tenant_id"))


def _sum(column: sa.Column[object]) -> sa.ColumnElement[int]:
    number = sa.func.length(column) if isinstance(column.type, sa.Text) else column
    return sa.func.coalesce(sa.func.sum(number % _PRIME), 0)


_LEFT_OUT = ("server", "idempotency_keys", "login_attempts")
_TABLES = [t for t in metadata.sorted_tables if t.name not in _LEFT_OUT]
_ALL = {table.name: Query(_of(table)) for table in _TABLES}
Prints = dict[str, list[tuple[object, ...]]]


async def fingerprint(engine: Engine, tenant_id: str) -> Prints:
    """The row count of each table, and a sum over its columns, when nothing is left that works in
    the background: an export changes its row until it ends."""
    await engine.background.wait()
    return await engine.db.read(tenant_id, _read)


async def _read(tx: Tx) -> Prints:
    return {name: await tx.all(query) for name, query in _ALL.items()}
