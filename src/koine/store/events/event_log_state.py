"""The state of the event log as a whole: its epoch, how far back it reaches, what is stable."""

from sqlalchemy import update

from koine.kit.tokens import random_token
from koine.store import server_values
from koine.store.conversations import counters
from koine.store.core.db import Tx
from koine.store.core.statements import Command, param
from koine.store.events import events, reader_events
from koine.store.retention import rules
from koine.store.tables import server as t

_EPOCH, _HOME, _FLOOR, _SETTLED = "event_epoch", "event_home", "event_floor", "event_settled"
TENANT_FLOOR = "events:since"
"""The counter with the position at which the log of an imported tenant begins."""
OWN_FLOOR = "events:deleted"
"""The counter with the last position whose event was deleted by a tenant's own period."""
_MOVE = Command(
    update(t)
    .where(t.c.name == _HOME, t.c.value != param("timeline_id"))
    .values(value=param("timeline_id")),
    crosses_tenants=server_values.CROSSES_TENANTS,
)


async def epoch(tx: Tx, timeline_id: str) -> str:
    """The epoch of the log; begins another if the database has another `timeline_id`.

    It has after a fail-over, or a restore without `koine restore`. Then positions may have been
    assigned twice, and cursors of the former epoch are not valid.
    """
    # Of the processes that notice it, the one that writes the timeline first begins the epoch.
    moved = await server_values.insert_if_missing(tx, _HOME, timeline_id) or await tx.run(
        _MOVE, timeline_id=timeline_id
    )
    if moved:
        return await new_epoch(tx)
    return await server_values.get(tx, _EPOCH) or await new_epoch(tx)


async def put_home(tx: Tx, timeline_id: str) -> None:
    """Let the epoch go on in the database with this timeline."""
    await server_values.put(tx, _HOME, timeline_id)


async def new_epoch(tx: Tx) -> str:
    """Begin another epoch: readers with a cursor of the former one receive a reset."""
    fresh = _random_name()
    await server_values.put(tx, _EPOCH, fresh)
    return fresh


async def end_epoch(tx: Tx, old: str) -> str:
    """End the epoch `old` if it has not ended yet; returns the current one."""
    await server_values.replace(tx, _EPOCH, old, _random_name())
    return await server_values.get(tx, _EPOCH) or await new_epoch(tx)


async def retention_floor(tx: Tx) -> int:
    """The last position whose event was deleted: a cursor below it is too old."""
    return int(await server_values.get(tx, _FLOOR) or 0)


async def tenant_floor(tx: Tx) -> int:
    """As `retention_floor`, of the transaction's tenant: it may have been imported since, or have a
    period of its own."""
    own = max((await counters.values(tx, [TENANT_FLOOR, OWN_FLOOR])).values(), default=0)
    return own if await rules.keeps_its_events(tx) else max(await retention_floor(tx), own)


async def raise_own_floor(tx: Tx, position: int) -> None:
    """A cursor below this position is too old for the transaction's tenant, which keeps its events
    for a time of its own."""
    before = (await counters.values(tx, [OWN_FLOOR])).get(OWN_FLOOR, 0)
    await counters.add(tx, {OWN_FLOOR: max(position - before, 0)})


async def begin_tenant_log(tx: Tx, position: int) -> None:
    """A cursor below this position is too old for the transaction's tenant, which was imported."""
    await counters.add(tx, {TENANT_FLOOR: position})


async def stable_position(tx: Tx) -> int:
    """A position that is stable, for a process that starts; some seconds old."""
    return int(await server_values.get(tx, _SETTLED) or 0)


async def save_stable_position(tx: Tx, position: int) -> None:
    """Save a stable position for processes that start later."""
    await server_values.put(tx, _SETTLED, str(position))


async def delete_before(tx: Tx, time: int, limit: int) -> bool:
    """Delete at most `limit` of the oldest events created before `time` (µs); returns whether there
    may be more."""
    position = await events.delete_before(tx, time, limit)
    if not position:
        return False
    await server_values.put(tx, _FLOOR, str(position))
    await reader_events.delete_members_before(tx, time)
    return True


async def delete_of_tenant_before(tx: Tx, time: int, limit: int) -> int:
    """As `delete_before`, of the transaction's tenant; returns how many were deleted."""
    count, position = await events.delete_of_tenant_before(tx, time, limit)
    if count:
        await raise_own_floor(tx, position)
        await reader_events.delete_members_of_tenant_before(tx, time)
    return count


def _random_name() -> str:
    return random_token(8).lower().replace("-", "0").replace("_", "1")
