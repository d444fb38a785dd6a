"""Tenants, and the server's own few values."""

from msgspec import structs
from sqlalchemy import func, insert, select, update

from koine.model.tenant import Tenant
from koine.store.core.db import Tx
from koine.store.core.expressions import insert_ignoring, upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import server
from koine.store.tables import tenants as t
from koine.store.tables.base import columns_of

NUMBER_TAKEN = "tenants_number"
"""What is violated when two tenants are given one number."""

_ALL_TENANTS = "tenants are the server's own rows"

_BY_ID = Query(
    select(*columns_of(t, Tenant)).where(t.c.id == param("id")),
    Tenant,
    crosses_tenants=_ALL_TENANTS,
)
_ALL = Query(
    select(*columns_of(t, Tenant)).order_by(t.c.number), Tenant, crosses_tenants=_ALL_TENANTS
)
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
_HIGHEST = Query(select(func.coalesce(func.max(t.c.number), 0)), int, crosses_tenants=_ALL_TENANTS)
_VALUE = Query(
    select(server.c.value).where(server.c.name == param("name")),
    str,
    crosses_tenants="the server's own values",
)
_SET = Command(
    upsert(
        server,
        {"name": param("name"), "value": param("value")},
        ["name"],
        lambda new: {"value": new.value},
    ),
    crosses_tenants="the server's own values",
)
_MOVE = Command(
    update(server)
    .where(server.c.name == param("name"), server.c.value == param("old"))
    .values(value=param("new")),
    crosses_tenants="the server's own values",
)
_KEEP = Command(
    insert_ignoring(
        server, {"name": param("name"), "value": param("value")}, index_elements=["name"]
    ),
    crosses_tenants="the server's own values",
)


async def get(tx: Tx, tenant_id: str) -> Tenant | None:
    """The tenant with this id."""
    return await tx.one(_BY_ID, id=tenant_id)


async def lock(tx: Tx) -> Tenant | None:
    """The transaction's own tenant; no one else changes it until the transaction ends."""
    return await tx.one(_LOCK)


async def all_(tx: Tx) -> list[Tenant]:
    """Every tenant, in the order they were made."""
    return await tx.all(_ALL)


async def insert_one(tx: Tx, tenant: Tenant) -> None:
    """Add a tenant. Raises Duplicate when the slug or number is taken."""
    await tx.run(_INSERT, **structs.asdict(tenant))


async def highest_number(tx: Tx) -> int:
    """The highest tenant number given out; 0 when there is none."""
    return await tx.one(_HIGHEST) or 0


async def change(tx: Tx, tenant: Tenant) -> None:
    """Write the tenant's name, default responder and settings."""
    await tx.run(
        _UPDATE,
        new_name=tenant.name,
        new_default_responder_id=tenant.default_responder_id,
        new_settings=tenant.settings,
    )


async def server_value(tx: Tx, name: str, otherwise: str) -> str:
    """One of the server's own values; the first caller's `otherwise` is kept for everyone."""
    found = await tx.one(_VALUE, name=name)
    if found is None:
        await tx.run(_KEEP, name=name, value=otherwise)
        found = await tx.one(_VALUE, name=name)
    return found or otherwise


async def find_server_value(tx: Tx, name: str) -> str | None:
    """One of the server's own values, or None where it has none."""
    return await tx.one(_VALUE, name=name)


async def replace_server_value(tx: Tx, name: str, old: str, new: str) -> bool:
    """Write one of the server's own values over, if it is still `old`."""
    return bool(await tx.run(_MOVE, name=name, old=old, new=new))


async def set_server_value(tx: Tx, name: str, value: str) -> None:
    """Write one of the server's own values over."""
    await tx.run(_SET, name=name, value=value)
