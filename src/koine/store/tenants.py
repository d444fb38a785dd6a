"""Tenants."""

from msgspec import structs
from sqlalchemy import func, insert, select, union_all, update

from koine.model.tenant import Tenant
from koine.store.core.db import Tx
from koine.store.core.statements import Command, Query, param
from koine.store.tables import deleted_tenants
from koine.store.tables import tenants as t
from koine.store.tables.base import columns_of

NUMBER_TAKEN = "tenants_number"
"""The unique constraint on the number of a tenant."""

_ALL_TENANTS = "tenants are not rows of a tenant"

_BY_ID = Query(
    select(*columns_of(t, Tenant)).where(t.c.id == param("id")),
    Tenant,
    crosses_tenants=_ALL_TENANTS,
)
_ALL = Query(
    select(*columns_of(t, Tenant)).order_by(t.c.number), Tenant, crosses_tenants=_ALL_TENANTS
)
_ALL_IDS = Query(select(t.c.id).order_by(t.c.number), str, crosses_tenants=_ALL_TENANTS)
_LOCK = Query(
    select(*columns_of(t, Tenant)).where(t.c.id == param("tenant_id")).with_for_update(), Tenant
)
_INSERT = Command(
    insert(t).values({name: param(name) for name in Tenant.__struct_fields__}),
    crosses_tenants=_ALL_TENANTS,
)
_UPDATE = Command(
    update(t)
    .where(t.c.id == param("tenant_id"))
    .values(
        name=param("new_name"),
        default_responder_id=param("new_default_responder_id"),
        settings=param("new_settings"),
    )
)
_SUSPEND = Command(
    update(t)
    .where(t.c.id == param("tenant_id"))
    .values(
        suspended_at=param("new_suspended_at"),
        delete_at=param("new_delete_at"),
        delete_requested_at=param("new_delete_requested_at"),
    )
)
# The number of a deleted tenant stays taken: clients of that tenant may still name it.
_NUMBERS = union_all(select(t.c.number), select(deleted_tenants.c.number)).subquery()
_HIGHEST = Query(
    select(func.coalesce(func.max(_NUMBERS.c.number), 0)), int, crosses_tenants=_ALL_TENANTS
)
SUSPENDED = select(t.c.id).where(t.c.suspended_at.is_not(None))
"""The ids of suspended tenants, for statements that leave them out."""
ACTIVE = select(t.c.id).where(t.c.suspended_at.is_(None))
"""The ids of the other ones. A tenant that is being imported has no row yet."""
_WITH_NUMBER = Query(
    select(t.c.id).where(t.c.number == param("number")), str, crosses_tenants=_ALL_TENANTS
)


async def get(tx: Tx, tenant_id: str) -> Tenant | None:
    """The tenant with this id."""
    return await tx.one(_BY_ID, id=tenant_id)


async def lock(tx: Tx) -> Tenant | None:
    """The transaction's tenant; locks the row until the transaction ends."""
    return await tx.one(_LOCK)


async def list_all(tx: Tx) -> list[Tenant]:
    """Every tenant, in the order of creation."""
    return await tx.all(_ALL)


async def list_ids(tx: Tx) -> list[str]:
    """The ids of all tenants, in the order of creation. Reads no column that is newer than the
    first migration."""
    return await tx.all(_ALL_IDS)


async def insert_one(tx: Tx, tenant: Tenant) -> None:
    """Add a tenant. Raises Duplicate if the slug or number is in use."""
    await tx.run(_INSERT, **structs.asdict(tenant))


async def highest_number(tx: Tx) -> int:
    """The highest number of a tenant, deleted ones included; 0 without one."""
    return await tx.one(_HIGHEST) or 0


async def is_number_taken(tx: Tx, number: int) -> bool:
    """Whether a tenant has this number."""
    return await tx.one(_WITH_NUMBER, number=number) is not None


async def change(tx: Tx, tenant: Tenant) -> None:
    """Write the tenant's name, default responder and settings."""
    await tx.run(
        _UPDATE,
        new_name=tenant.name,
        new_default_responder_id=tenant.default_responder_id,
        new_settings=tenant.settings,
    )


async def change_suspension(tx: Tx, tenant: Tenant) -> None:
    """Write since when the tenant is suspended, and when it is to be deleted."""
    await tx.run(
        _SUSPEND,
        new_suspended_at=tenant.suspended_at,
        new_delete_at=tenant.delete_at,
        new_delete_requested_at=tenant.delete_requested_at,
    )
