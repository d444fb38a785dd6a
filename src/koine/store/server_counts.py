"""What operators want to know of all tenants together: numbers, and no tenant's content."""

from msgspec import Struct
from sqlalchemy import BigInteger, and_, case, cast, func, select

from koine.model.webhook import EndpointStatus
from koine.store.conversations import files
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import counters, events, tenants, webhook_endpoints
from koine.store.webhooks import delivery_log
from koine.store.webhooks.delivery_queue import IS_TRIED, NEXT_DUE_AT

_OPERATOR = "an operator's figure"
_TENANTS = Query(select(func.count()).select_from(tenants), int, crosses_tenants=_OPERATOR)
# A look-up by primary key for each tenant: a tenant has a counter for each of its contacts.
_UPLOADS = Query(
    select(cast(func.coalesce(func.sum(counters.c.value), 0), BigInteger())).join_from(
        tenants,
        counters,
        and_(counters.c.tenant_id == tenants.c.id, counters.c.name == files.TOTAL),
    ),
    int,
    crosses_tenants=_OPERATOR,
)
_IS_FAILING = and_(webhook_endpoints.c.status == "active", webhook_endpoints.c.failures > 0)
_ENDPOINTS = Query(
    select(
        func.count(case((webhook_endpoints.c.status == "active", 1))),
        func.count(case((_IS_FAILING, 1))),
        func.count(case((webhook_endpoints.c.status == "disabled", 1))),
    ),
    crosses_tenants=_OPERATOR,
)
_LONGEST_DUE = Query(
    select(func.min(NEXT_DUE_AT)).where(
        webhook_endpoints.c.status == "active",
        IS_TRIED,
    ),
    crosses_tenants=_OPERATOR,
)
_FIRST_AFTER = Query(
    select(events.c.created_at)
    .where(events.c.position > param("position"))
    .order_by(events.c.position)
    .limit(1),
    int,
    crosses_tenants=_OPERATOR,
)


class ServerCounts(Struct, frozen=True, kw_only=True):
    """The numbers of one moment. Times are µs since the epoch, None where there is no delivery;
    `failing` endpoints are `active` ones whose last attempt failed."""

    tenants: int
    upload_bytes: int
    endpoints: dict[str, int]
    deliveries_pending: int
    oldest_delivery_at: int | None
    longest_due_at: int | None


class FailingEndpoint(Struct, frozen=True):
    """A webhook endpoint that operators should look at, with its tenant's short name. Its URL is
    the tenant's secret."""

    tenant: str
    id: str
    name: str
    status: EndpointStatus
    failures: int
    failing_since: int | None
    reason: str | None


_FAILING = Query(
    select(
        tenants.c.slug,
        webhook_endpoints.c.id,
        webhook_endpoints.c.name,
        webhook_endpoints.c.status,
        webhook_endpoints.c.failures,
        webhook_endpoints.c.failing_since,
        webhook_endpoints.c.reason,
    )
    .join_from(webhook_endpoints, tenants, tenants.c.id == webhook_endpoints.c.tenant_id)
    .where(_IS_FAILING)
    .order_by(webhook_endpoints.c.failing_since, webhook_endpoints.c.id)
    .limit(param("limit")),
    FailingEndpoint,
    crosses_tenants=_OPERATOR,
)


async def count(tx: Tx, now: int) -> ServerCounts:
    """Count. The pending deliveries are counted row by row."""
    active, failing, disabled = (await tx.all(_ENDPOINTS))[0]
    pending, oldest = await delivery_log.pending_count(tx)
    due = await tx.one(_LONGEST_DUE, now=now)
    return ServerCounts(
        tenants=await tx.one(_TENANTS) or 0,
        upload_bytes=await tx.one(_UPLOADS) or 0,
        endpoints={"active": active, "failing": failing, "disabled": disabled},
        deliveries_pending=pending,
        oldest_delivery_at=oldest,
        longest_due_at=due[0] if due else None,
    )


async def failing_endpoints(tx: Tx, limit: int) -> list[FailingEndpoint]:
    """The endpoints that fail, those that fail longest first."""
    return await tx.all(_FAILING, limit=limit)


async def first_event_after(tx: Tx, position: int) -> int | None:
    """When the first event after a position was created (µs); None if there is none."""
    return await tx.one(_FIRST_AFTER, position=position)
