"""Where a tenant is in the event log."""

from msgspec import Struct
from sqlalchemy import func, select

from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.events import cursors
from koine.store.tables import events, webhook_deliveries, webhook_endpoints
from koine.store.webhooks.endpoints import PLANNER_CURSOR

_NEWEST = Query(
    select(func.coalesce(func.max(events.c.position), 0)).where(
        events.c.tenant_id == param("tenant_id")
    ),
    int,
)
_PLANNED = Query(
    select(func.coalesce(func.max(webhook_deliveries.c.position), 0)).where(
        webhook_deliveries.c.tenant_id == param("tenant_id")
    ),
    int,
)
_ACTIVE = Query(
    select(func.count())
    .select_from(webhook_endpoints)
    .where(
        webhook_endpoints.c.tenant_id == param("tenant_id"),
        webhook_endpoints.c.status == "active",
    ),
    int,
)


class LogPlace(Struct, frozen=True):
    """The position of the tenant's newest event, and the one up to which each of its events was
    queued for its webhooks."""

    newest: int
    planned: int


async def log_place(tx: Tx) -> LogPlace:
    """The place of the transaction's tenant. Without an active endpoint nothing need be queued."""
    newest = await tx.one(_NEWEST) or 0
    if not await tx.one(_ACTIVE):
        return LogPlace(newest, newest)
    planned = max(await cursors.get(tx, PLANNER_CURSOR), await tx.one(_PLANNED) or 0)
    return LogPlace(newest, min(newest, planned))
