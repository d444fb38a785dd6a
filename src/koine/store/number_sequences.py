"""The numbers of a tenant's entities: of each kind they count from 1."""

from koine.store.conversations import counters
from koine.store.core.db import Tx


async def next_number(tx: Tx, entity: str) -> int:
    """The next number of this kind of entity in the tenant, from 1; never assigned twice."""
    name = f"number:{entity}"
    await counters.add(tx, {name: 1})
    return (await counters.values(tx, [name]))[name]
