"""Values of the server as a whole, by name: no tenant's rows."""

from sqlalchemy import delete, select, update

from koine.store.core.db import Tx
from koine.store.core.expressions import insert_ignoring, upsert
from koine.store.core.statements import Command, Query, param
from koine.store.tables import server as t

MOVE_SOURCE, MOVE_PROGRESS = "move:from", "move:into"
"""The values with the mark of a database that a server moves from, and with the progress of a move
into one (`koine.server.move.marks`)."""
CROSSES_TENANTS = "values of the server as a whole"
_ROW = {"name": param("name"), "value": param("value")}
_FIND = Query(
    select(t.c.value).where(t.c.name == param("name")), str, crosses_tenants=CROSSES_TENANTS
)
_PUT = Command(
    upsert(t, _ROW, ["name"], lambda new: {"value": new.value}), crosses_tenants=CROSSES_TENANTS
)
_REPLACE = Command(
    update(t)
    .where(t.c.name == param("name"), t.c.value == param("old"))
    .values(value=param("new")),
    crosses_tenants=CROSSES_TENANTS,
)
_NAMES = Query(select(t.c.name), str, crosses_tenants=CROSSES_TENANTS)
_DELETE = Command(delete(t).where(t.c.name == param("name")), crosses_tenants=CROSSES_TENANTS)
_INSERT = Command(insert_ignoring(t, _ROW, ["name"]), crosses_tenants=CROSSES_TENANTS)


async def get(tx: Tx, name: str) -> str | None:
    """The value of this name, or None."""
    return await tx.one(_FIND, name=name)


async def get_or_insert(tx: Tx, name: str, otherwise: str) -> str:
    """The value of this name; if there is none, the first caller's `otherwise` is saved."""
    found = await get(tx, name)
    if found is None:
        await insert_if_missing(tx, name, otherwise)
        found = await get(tx, name)
    return found or otherwise


async def insert_if_missing(tx: Tx, name: str, value: str) -> bool:
    """Save the value if there is none of this name; returns whether it was saved."""
    return bool(await tx.run(_INSERT, name=name, value=value))


async def list_by_prefix(tx: Tx, prefix: str) -> dict[str, str]:
    """The values whose names begin so, by their whole names."""
    names = [name for name in await tx.all(_NAMES) if name.startswith(prefix)]
    found = {name: await get(tx, name) for name in sorted(names)}
    return {name: value for name, value in found.items() if value is not None}


async def put(tx: Tx, name: str, value: str) -> None:
    """Save the value, in place of the one there is."""
    await tx.run(_PUT, name=name, value=value)


async def replace(tx: Tx, name: str, old: str, new: str) -> bool:
    """Save `new` if the value is `old`; returns whether it was."""
    return bool(await tx.run(_REPLACE, name=name, old=old, new=new))


async def delete_one(tx: Tx, name: str) -> None:
    """Delete the value of this name, if there is one."""
    await tx.run(_DELETE, name=name)
