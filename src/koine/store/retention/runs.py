"""The runs that delete: one of each tenant at a time, continued where one has stopped."""

from msgspec import structs
from sqlalchemy import select, update

from koine.model.retention import RetentionRun
from koine.store.core.db import Tx
from koine.store.core.expressions import upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import retention_runs as t
from koine.store.tables.base import columns_of

_IN_TENANT = t.c.tenant_id == param("tenant_id")
_COLUMNS = columns_of(t, RetentionRun, lease_until="alive_until")
_COLUMN_OF = dict(zip(RetentionRun.__struct_fields__, _COLUMNS, strict=True))
_GET = Query(select(*_COLUMNS).where(_IN_TENANT), RetentionRun)
_SAVE = Command(
    upsert(
        t,
        {"tenant_id": param("tenant_id"), "scope_id": param("scope_id")}
        | {column.name: param(name) for name, column in _COLUMN_OF.items()},
        ["tenant_id", "scope_id"],
        lambda new: {column.name: new[column.name] for column in _COLUMNS},
    )
)
_PROGRESS = Command(
    update(t)
    .where(_IN_TENANT, t.c.started_at == param("started"), t.c.finished_at.is_(None))
    .values(
        alive_until=param("new_lease_until"),
        after_id=param("new_after_id"),
        counts=param("new_counts"),
        finished_at=param("new_finished_at"),
    )
)


async def get(tx: Tx) -> RetentionRun | None:
    """The run of the transaction's tenant that is going on, or the last one."""
    return await tx.one(_GET)


async def save(tx: Tx, run: RetentionRun) -> None:
    """Write a run over the one before."""
    await tx.run(_SAVE, scope_id=tx.tenant_id, **structs.asdict(run))


async def save_progress(tx: Tx, run: RetentionRun) -> bool:
    """Save how far a run is; False if another has taken its place, or finished it."""
    saved = await tx.run(
        _PROGRESS,
        started=run.started_at,
        new_lease_until=run.lease_until,
        new_after_id=run.after_id,
        new_counts=run.counts,
        new_finished_at=run.finished_at,
    )
    return bool(saved)
