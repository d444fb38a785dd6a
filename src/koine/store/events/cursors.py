"""Cursors of what follows the event log on behalf of all nodes: a position for each, by name."""

from sqlalchemy import select, update

from koine.store.core.db import Tx
from koine.store.core.expressions import insert_ignoring
from koine.store.core.statements import Command, Query, param
from koine.store.tables import server as t

_OWN = "values of the server as a whole"
_BEGIN = Command(
    insert_ignoring(t, {"name": param("name"), "value": "0"}, ["name"]), crosses_tenants=_OWN
)
_READ = Query(select(t.c.value).where(t.c.name == param("name")), str, crosses_tenants=_OWN)
_LOCK = Query(
    select(t.c.value).where(t.c.name == param("name")).with_for_update(), str, crosses_tenants=_OWN
)
_SAVE = Command(
    update(t).where(t.c.name == param("name")).values(value=param("new_value")),
    crosses_tenants=_OWN,
)


async def read(tx: Tx, name: str) -> int:
    """The position up to which the log was handled; 0 at first."""
    return int(await tx.one(_READ, name=name) or 0)


async def lock(tx: Tx, name: str) -> int:
    """As `read`; no other transaction gets the lock until this one ends."""
    await tx.run(_BEGIN, name=name)
    return int(await tx.one(_LOCK, name=name) or 0)


async def save(tx: Tx, name: str, position: int) -> None:
    """The log was handled up to here. The transaction holds the lock."""
    await tx.run(_SAVE, name=name, new_value=str(position))
