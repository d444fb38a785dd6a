"""Cursors of what follows the event log on behalf of all nodes: a position for each, by name."""

from sqlalchemy import select

from koine.store import server_values
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import server as t

_LOCK = Query(
    select(t.c.value).where(t.c.name == param("name")).with_for_update(),
    str,
    crosses_tenants=server_values.CROSSES_TENANTS,
)


async def get(tx: Tx, name: str) -> int:
    """The position up to which the log was handled; 0 at first."""
    return int(await server_values.get(tx, name) or 0)


async def lock(tx: Tx, name: str) -> int:
    """As `read`; no other transaction gets the lock until this one ends."""
    await server_values.insert_if_missing(tx, name, "0")
    return int(await tx.one(_LOCK, name=name) or 0)


async def save(tx: Tx, name: str, position: int) -> None:
    """The log was handled up to here. The transaction holds the lock."""
    await server_values.put(tx, name, str(position))
