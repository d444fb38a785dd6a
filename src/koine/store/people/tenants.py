"""Tenants, and values of the server as a whole."""

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
    crosses_tenants="values of the server as a whole",
)
_SET = Command(
    upsert(
        server,
        {"name": param("name"), "value": param("value")},
        ["name"],
        lambda new: {"value": new.value},
    ),
    crosses_tenants="values of the server as a whole",
)
_MOVE = Command(
    update(server)
    .where(server.c.name == param("name"), server.c.value == param("old"))
    .values(value=param("new")),
    crosses_tenants="values of the server as a whole",
)
_KEEP = Command(
    insert_ignoring(
        server, {"name": param("name"), "value": param("value")}, index_elements=["name"]
    ),
    crosses_tenants="values of the server as a whole",
)


async def get(tx: Tx, tenant_id: str) -> Tenant | None:
    """The tenant with this id."""
    return await tx.one(_BY_ID, id=tenant_id)


async def lock(tx: Tx) -> Tenant | None:
    """The transaction's tenant; locks the row until the transaction ends."""
    return await tx.one(_LOCK)


async def all_(tx: Tx) -> list[Tenant]:
    """Every tenant, in the order of creation."""
    return await tx.all(_ALL)


async def insert_one(tx: Tx, tenant: Tenant) -> None:
    """Add a tenant. Raises Duplicate if the slug or number is in use."""
    await tx.run(_INSERT, **structs.asdict(tenant))


async def highest_number(tx: Tx) -> int:
    """The highest number of a tenant; 0 without one."""
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
    """A value of the server; if it has none, the first caller's `otherwise` is saved."""
    found = await tx.one(_VALUE, name=name)
    if found is None:
        await tx.run(_KEEP, name=name, value=otherwise)
        found = await tx.one(_VALUE, name=name)
    return found or otherwise


async def find_server_value(tx: Tx, name: str) -> str | None:
    """A value of the server, or None."""
    return await tx.one(_VALUE, name=name)


async def replace_server_value(tx: Tx, name: str, old: str, new: str) -> bool:
    """Replace a value of the server if it is `old`; returns whether it was."""
    return bool(await tx.run(_MOVE, name=name, old=old, new=new))


async def set_server_value(tx: Tx, name: str, value: str) -> None:
    """Set a value of the server."""
    await tx.run(_SET, name=name, value=value)
