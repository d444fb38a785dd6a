"""Old entries of the audit log, and endpoints with old deliveries, of a tenant with rules."""

from sqlalchemy import delete, exists, func, select

from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import audit, events, legal_holds, webhook_deliveries, webhook_endpoints

_d = webhook_deliveries.c
_IS_HELD = exists().where(
    legal_holds.c.tenant_id == audit.c.tenant_id, legal_holds.c.subject_id == audit.c.noun_id
)
_OLD = (
    audit.c.tenant_id == param("tenant_id"),
    audit.c.created_at < param("before"),
    ~_IS_HELD,
)
_OLD_IDS = Query(
    select(audit.c.id).where(*_OLD).order_by(audit.c.created_at).limit(param("limit")), str
)
_DELETE = Command(
    delete(audit).where(audit.c.tenant_id == param("tenant_id"), in_list(audit.c.id, "ids"))
)
_COUNT_ENTRIES = Query(select(func.count()).select_from(audit).where(*_OLD), int)
_FIRST_NEW = (
    select(func.min(events.c.position))
    .where(events.c.tenant_id == param("tenant_id"), events.c.created_at >= param("before"))
    .scalar_subquery()
)
_COUNT_EVENTS = Query(
    select(func.count())
    .select_from(events)
    .where(
        events.c.tenant_id == param("tenant_id"),
        events.c.position < func.coalesce(_FIRST_NEW, (1 << 63) - 1),
    ),
    int,
)
_ENDPOINTS = Query(
    select(webhook_endpoints.c.id)
    .where(webhook_endpoints.c.tenant_id == param("tenant_id"))
    .order_by(webhook_endpoints.c.id),
    str,
)
_FIRST_NEW_DELIVERY = (
    select(func.min(_d.position))
    .where(
        _d.tenant_id == param("tenant_id"),
        _d.endpoint_id == param("endpoint_id"),
        _d.created_at >= param("before"),
    )
    .scalar_subquery()
)
_COUNT_DELIVERIES = Query(
    select(func.count())
    .select_from(webhook_deliveries)
    .where(
        _d.tenant_id == param("tenant_id"),
        _d.endpoint_id == param("endpoint_id"),
        _d.position < func.coalesce(_FIRST_NEW_DELIVERY, (1 << 63) - 1),
    ),
    int,
)


async def delete_audit_before(tx: Tx, before: int, limit: int) -> int:
    """Delete at most `limit` entries from before a time (µs), but for those about what is held;
    returns how many."""
    ids = await tx.all(_OLD_IDS, before=before, limit=limit)
    return await tx.run(_DELETE, ids=ids) if ids else 0


async def count_audit_before(tx: Tx, before: int) -> int:
    """How many entries `delete_audit_before` would delete."""
    return await tx.one(_COUNT_ENTRIES, before=before) or 0


async def count_events_before(tx: Tx, before: int) -> int:
    """How many of the tenant's events are before the first that was created at a time (µs) or
    later."""
    return await tx.one(_COUNT_EVENTS, before=before) or 0


async def endpoints(tx: Tx) -> list[str]:
    """The ids of the tenant's webhook endpoints."""
    return await tx.all(_ENDPOINTS)


async def count_deliveries_before(tx: Tx, endpoint_id: str, before: int) -> int:
    """As `count_events_before`, of an endpoint's deliveries."""
    return await tx.one(_COUNT_DELIVERIES, endpoint_id=endpoint_id, before=before) or 0
