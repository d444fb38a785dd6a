"""An import of a tenant while it runs: its plan, how far it came, what it does at the end.

Its rows are not visible: nothing is found in a tenant that has no row in `tenants`, which is the
last one that is written.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import delete, select, update

from koine.store import server_values, tenant_deletion
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import server, tenants, webhook_endpoints

_PLAN, _AT = "import:", "import_at:"
_PLANS = Query(
    select(server.c.name, server.c.value).where(server.c.name >= _PLAN, server.c.name < "import;"),
    crosses_tenants=server_values.CROSSES_TENANTS,
)
_DELETE_PLAN = Command(
    delete(server).where(in_list(server.c.name, "names")),
    crosses_tenants=server_values.CROSSES_TENANTS,
)
_ENABLE = Command(
    update(webhook_endpoints)
    .where(
        webhook_endpoints.c.tenant_id == param("tenant_id"),
        in_list(webhook_endpoints.c.id, "ids"),
    )
    .values(status="active", reason=None, after_position=param("position"))
)
_EXISTS = Query(select(tenants.c.id).where(tenants.c.id == param("tenant_id")), str)


class ImportState(Struct, frozen=True):
    """An import that was begun: the tenant's id here, its plan (JSON), and how far it came: so many
    rows of so many members."""

    tenant_id: str
    plan: str
    at: str


async def list_all(tx: Tx) -> list[ImportState]:
    """The imports that were begun and have not ended."""
    plans = [(name.removeprefix(_PLAN), value) for name, value in await tx.all(_PLANS)]
    return [
        ImportState(tenant_id, plan, await server_values.get(tx, _AT + tenant_id) or "")
        for tenant_id, plan in plans
    ]


async def is_begun(tx: Tx) -> bool:
    """Whether an import of the transaction's tenant was begun and has not ended."""
    return await server_values.get(tx, _PLAN + tx.tenant_id) is not None


async def begin(tx: Tx, plan: str, at: str) -> bool:
    """Save the plan of the transaction's tenant; False when an import of it was begun already."""
    if not await server_values.insert_if_missing(tx, _PLAN + tx.tenant_id, plan):
        return False
    await server_values.put(tx, _AT + tx.tenant_id, at)
    return True


async def advance(tx: Tx, before: str, at: str) -> bool:
    """Save how far the import came; False when another process has changed that meanwhile."""
    return await server_values.replace(tx, _AT + tx.tenant_id, before, at)


async def end(tx: Tx) -> None:
    """Forget the plan: the import has ended, or what it wrote was deleted."""
    await tx.run(_DELETE_PLAN, names=[_PLAN + tx.tenant_id, _AT + tx.tenant_id])


async def delete_some(tx: Tx, table: str, limit: int) -> int:
    """Delete at most `limit` rows of the transaction's tenant, which has no row in `tenants`;
    returns how many. Raises RuntimeError if it has one."""
    if await tx.one(_EXISTS) is not None:
        raise RuntimeError("the tenant is complete: its import has ended")
    return await tenant_deletion.delete_rows(tx, table, limit)


async def enable_endpoints(tx: Tx, ids: Sequence[str], position: int) -> None:
    """Let these endpoints receive the events after `position`."""
    await tx.run(_ENABLE, ids=list(ids), position=position)
