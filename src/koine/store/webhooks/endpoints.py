"""Webhook endpoints."""

from msgspec import structs
from sqlalchemy import delete, func, insert, select, update

from koine.model.webhook import (
    DisableDecision,
    EndpointHealth,
    EndpointKey,
    TenantEndpoint,
    WebhookEndpoint,
)
from koine.store.core.db import Tx
from koine.store.core.statements import Command, Query, UpdateMany, param
from koine.store.tables import webhook_attempts, webhook_deliveries
from koine.store.tables import webhook_endpoints as t
from koine.store.tables.base import columns_of

COLUMNS = columns_of(t, WebhookEndpoint)
TENANT_ENDPOINT_COLUMNS = columns_of(t, TenantEndpoint)
_ONE = (t.c.tenant_id == param("tenant_id"), t.c.id == param("id"))
_ALL_TENANTS = "the dispatchers serve all tenants"
PLANNER_CURSOR = "hook_position"
"""The name of the cursor up to which deliveries were planned (`store.events.cursors`)."""

_GET = Query(select(*COLUMNS).where(*_ONE), WebhookEndpoint)
_LOCK = Query(select(*COLUMNS).where(*_ONE).with_for_update(), WebhookEndpoint)
_ALL = Query(
    select(*COLUMNS).where(t.c.tenant_id == param("tenant_id")).order_by(t.c.created_at, t.c.id),
    WebhookEndpoint,
)
_ACTIVE = Query(
    select(*TENANT_ENDPOINT_COLUMNS).where(t.c.status == "active"),
    TenantEndpoint,
    crosses_tenants=_ALL_TENANTS,
)
_COUNT = Query(select(func.count()).select_from(t).where(t.c.tenant_id == param("tenant_id")), int)
_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in WebhookEndpoint.__struct_fields__}
    )
)
_CHANGEABLE = [
    n for n in WebhookEndpoint.__struct_fields__ if n not in ("id", "created_by", "created_at")
]
_UPDATE = Command(
    update(t).where(*_ONE).values({name: param(f"new_{name}") for name in _CHANGEABLE})
)
_DISABLE = Command(
    update(t)
    .where(*_ONE, t.c.status == "active", t.c.updated_at == param("updated_at"))
    .values(status="disabled", reason=param("new_reason"), updated_at=param("now"))
)
_RESET_FAILING_SINCE = Command(
    update(t)
    .where(t.c.tenant_id == param("tenant_id"), t.c.failing_since.is_not(None))
    .values(failing_since=None, open_until=None)
)
_HEALTH = UpdateMany(t, ["tenant_id", "id"], list(EndpointHealth.__struct_fields__))
_DELETE = Command(delete(t).where(*_ONE))
# Deliveries before attempts: a dispatcher that writes an attempt has locked its delivery, so the
# attempt is committed when the attempts are deleted.
_DELETE_DEPENDENTS = [
    Command(
        delete(rows).where(
            rows.c.tenant_id == param("tenant_id"), rows.c.endpoint_id == param("id")
        )
    )
    for rows in (webhook_deliveries, webhook_attempts)
]


async def get(tx: Tx, endpoint_id: str) -> WebhookEndpoint | None:
    """The endpoint with this id."""
    return await tx.one(_GET, id=endpoint_id)


async def lock(tx: Tx, endpoint_id: str) -> WebhookEndpoint | None:
    """As `get`; locks the row until the transaction ends."""
    return await tx.one(_LOCK, id=endpoint_id)


async def list_all(tx: Tx) -> list[WebhookEndpoint]:
    """Every endpoint of the tenant, oldest first."""
    return await tx.all(_ALL)


async def active(tx: Tx) -> list[TenantEndpoint]:
    """The active endpoints of all tenants."""
    return await tx.all(_ACTIVE)


async def count(tx: Tx) -> int:
    """How many endpoints the tenant has."""
    return await tx.one(_COUNT) or 0


async def insert_one(tx: Tx, endpoint: WebhookEndpoint) -> None:
    """Add an endpoint."""
    await tx.run(_INSERT, **structs.asdict(endpoint))


async def change(tx: Tx, endpoint: WebhookEndpoint) -> None:
    """Write the endpoint over the row with its id."""
    values = structs.asdict(endpoint)
    await tx.run(_UPDATE, id=endpoint.id, **{f"new_{n}": values[n] for n in _CHANGEABLE})


async def disable(tx: Tx, key: EndpointKey, decision: DisableDecision, now: int) -> bool:
    """Disable an active endpoint; False if it was not active, or was changed since the reason was
    found out."""
    changed = await tx.run(
        _DISABLE,
        tenant_id=key.tenant_id,
        id=key.endpoint_id,
        updated_at=decision.updated_at,
        new_reason=decision.reason,
        now=now,
    )
    return bool(changed)


async def set_health(tx: Tx, found: dict[EndpointKey, EndpointHealth]) -> None:
    """Write the health of these endpoints."""
    rows = [(key.tenant_id, key.endpoint_id, *structs.astuple(h)) for key, h in found.items()]
    await tx.many(_HEALTH, sorted(rows))


async def reset_failing_since(tx: Tx) -> None:
    """Count the time for which the tenant's endpoints have failed from their next failure on."""
    await tx.run(_RESET_FAILING_SINCE)


async def delete_one(tx: Tx, endpoint_id: str) -> None:
    """Delete the endpoint with its deliveries and attempts."""
    for rows in _DELETE_DEPENDENTS:
        await tx.run(rows, id=endpoint_id)
    await tx.run(_DELETE, id=endpoint_id)
