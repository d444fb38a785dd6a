"""The periods of tenants and inboxes."""

from typing import Any

from msgspec import structs
from sqlalchemy import delete, select, union

from koine.model.retention import InboxPeriods, RetentionPeriods, RetentionRules
from koine.store.core.db import Tx
from koine.store.core.expressions import upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import legal_holds
from koine.store.tables import retention_rules as t

_ALL_TENANTS = "maintenance asks which tenants have rules"
_PERIODS = RetentionPeriods.__struct_fields__
_OF_TENANT = Query(
    select(t.c.scope_id, *(t.c[name] for name in _PERIODS)).where(
        t.c.tenant_id == param("tenant_id")
    )
)
_SAVE = Command(
    upsert(
        t,
        {name: param(name) for name in ("tenant_id", "scope_id", *_PERIODS)},
        ["tenant_id", "scope_id"],
        lambda new: {name: new[name] for name in _PERIODS},
    )
)
_DELETE = Command(
    delete(t).where(t.c.tenant_id == param("tenant_id"), t.c.scope_id == param("scope_id"))
)
_WITH_RULES = Query(select(t.c.tenant_id).distinct(), str, crosses_tenants=_ALL_TENANTS)
_HELD = select(legal_holds.c.tenant_id).where(legal_holds.c.kind == "tenant")
KEEPS_EVENTS = union(select(t.c.tenant_id).where(t.c.events.is_not(None)), _HELD)
"""The ids of tenants whose events are not deleted by the server's setting."""
KEEPS_DELIVERIES = union(select(t.c.tenant_id).where(t.c.webhook_deliveries.is_not(None)), _HELD)
"""The ids of tenants whose webhook deliveries are not deleted by the server's setting."""
_KEEPS_ITS_EVENTS = Query(
    select(t.c.tenant_id)
    .where(t.c.tenant_id == param("tenant_id"), t.c.events.is_not(None))
    .union(_HELD.where(legal_holds.c.tenant_id == param("tenant_id"))),
    str,
)


async def get(tx: Tx) -> RetentionRules:
    """The rules of the transaction's tenant."""
    tenant, inboxes = RetentionPeriods(), dict[str, InboxPeriods]()
    for scope_id, *days in await tx.all(_OF_TENANT):
        periods = RetentionPeriods(*days)
        if scope_id == tx.tenant_id:
            tenant = periods
        else:
            inboxes[scope_id] = InboxPeriods(periods.messages, periods.conversations)
    return RetentionRules(tenant, inboxes)


async def save(tx: Tx, scope_id: str, periods: RetentionPeriods | InboxPeriods) -> None:
    """Write the periods of the tenant or of an inbox; without any the row is deleted."""
    values: dict[str, Any] = dict.fromkeys(_PERIODS) | structs.asdict(periods)
    if any(days is not None for days in values.values()):
        await tx.run(_SAVE, scope_id=scope_id, **values)
    else:
        await tx.run(_DELETE, scope_id=scope_id)


async def tenants_with_rules(tx: Tx) -> set[str]:
    """The ids of all tenants that have rules."""
    return set(await tx.all(_WITH_RULES))


async def keeps_its_events(tx: Tx) -> bool:
    """Whether the server's setting does not delete the events of the transaction's tenant."""
    return bool(await tx.all(_KEEPS_ITS_EVENTS))
