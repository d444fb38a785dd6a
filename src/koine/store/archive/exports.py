"""Rows of the exports that servers make on request."""

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import delete, func, insert, or_, select, update

from koine.model.tenant_export import TenantExport, TenantExportKey
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import tenant_exports as t
from koine.store.tables.base import columns_of
from koine.store.tenants import ACTIVE

_ALL_TENANTS = "the exports of all tenants share the disk"
_COLUMNS = columns_of(t, TenantExport, lease_until="alive_until")
_COLUMN_OF = dict(zip(TenantExport.__struct_fields__, _COLUMNS, strict=True))
_LEASE_UNTIL = _COLUMN_OF["lease_until"]
_MINE = t.c.tenant_id == param("tenant_id")
_GET = Query(select(*_COLUMNS).where(_MINE, t.c.id == param("id")), TenantExport)
_BY_ID = Query(
    select(*columns_of(t, TenantExportKey)).where(t.c.id == param("id"), t.c.tenant_id.in_(ACTIVE)),
    TenantExportKey,
    crosses_tenants="the signed link is the permission to read the archive",
)
_ALL = Query(
    select(*_COLUMNS).where(_MINE).order_by(t.c.created_at.desc(), t.c.id.desc()), TenantExport
)
_RUNNING = Query(
    select(func.count()).select_from(t).where(t.c.state == "running", param("now") < _LEASE_UNTIL),
    int,
    crosses_tenants=_ALL_TENANTS,
)
_ENDED = Query(
    select(*columns_of(t, TenantExportKey)).where(
        or_(t.c.expires_at <= param("now"), t.c.created_at <= param("before"))
    ),
    TenantExportKey,
    crosses_tenants=_ALL_TENANTS,
)
_KNOWN = Query(select(t.c.id).where(in_list(t.c.id, "ids")), str, crosses_tenants=_ALL_TENANTS)
_INSERT = Command(
    insert(t).values(
        {t.c.tenant_id: param("tenant_id")}
        | {column: param(name) for name, column in _COLUMN_OF.items()}
    )
)
_FAIL_DEAD = Command(
    update(t)
    .where(_MINE, t.c.state == "running", param("now") >= _LEASE_UNTIL)
    .values(state="failed", error=param("new_error"), finished_at=param("now"))
)
_UPDATE = Command(
    update(t)
    .where(_MINE, t.c.id == param("id"), t.c.state == "running")
    .values(
        {
            column: param(f"new_{name}")
            for name, column in _COLUMN_OF.items()
            if name not in ("id", "created_at", "encrypted", "requested_by")
        }
    )
)
_DELETE = Command(delete(t).where(_MINE, t.c.id == param("id")))


async def get(tx: Tx, export_id: str) -> TenantExport | None:
    """The tenant's export with this id."""
    return await tx.one(_GET, id=export_id)


async def get_by_id(tx: Tx, export_id: str) -> TenantExportKey | None:
    """The export with this id, of any tenant that is not suspended."""
    return await tx.one(_BY_ID, id=export_id)


async def known(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Those of these ids that an export of any tenant has."""
    return await tx.all(_KNOWN, ids=list(ids))


async def list_all(tx: Tx) -> list[TenantExport]:
    """The tenant's exports, newest first."""
    return await tx.all(_ALL)


async def count_running(tx: Tx, now: int) -> int:
    """How many exports of all tenants run."""
    return await tx.one(_RUNNING, now=now) or 0


async def ended(tx: Tx, now: int, before: int) -> list[TenantExportKey]:
    """The exports of all tenants that expired, or were begun before `before` (µs)."""
    return await tx.all(_ENDED, now=now, before=before)


async def insert_one(tx: Tx, export: TenantExport) -> None:
    """Add an export. Raises Duplicate if the tenant has one that runs."""
    await tx.run(_INSERT, **structs.asdict(export))


async def fail_dead(tx: Tx, now: int, error: str) -> None:
    """Mark the tenant's exports as failed whose process has died."""
    await tx.run(_FAIL_DEAD, now=now, new_error=error)


async def change(tx: Tx, export: TenantExport) -> bool:
    """Write the export over its row; False if it does not run any more."""
    values = {f"new_{name}": value for name, value in structs.asdict(export).items()}
    return bool(await tx.run(_UPDATE, id=export.id, **values))


async def delete_one(tx: Tx, export_id: str) -> None:
    """Delete the row of the tenant's export."""
    await tx.run(_DELETE, id=export_id)
