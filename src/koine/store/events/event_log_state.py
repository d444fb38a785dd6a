"""What is known of the event log as a whole: its epoch, and how far back it reaches."""

from sqlalchemy import select, update

from koine.kit.tokens import random_token
from koine.store.core.db import Tx
from koine.store.core.expressions import insert_ignoring, upsert
from koine.store.core.statements import Command, Query, param
from koine.store.events import events, reader_events
from koine.store.tables import server as t

_OWN = "the server's own values"
_GET = Query(select(t.c.value).where(t.c.name == param("name")), str, crosses_tenants=_OWN)
_SET = Command(
    upsert(
        t,
        {"name": param("name"), "value": param("value")},
        ["name"],
        lambda new: {"value": new.value},
    ),
    crosses_tenants=_OWN,
)
_FIRST = Command(
    insert_ignoring(t, {"name": param("name"), "value": param("value")}, ["name"]),
    crosses_tenants=_OWN,
)
_EPOCH, _HOME, _FLOOR, _SETTLED = "event_epoch", "event_home", "event_floor", "event_settled"
_MOVE = Command(
    update(t).where(t.c.name == _HOME, t.c.value != param("home")).values(value=param("home")),
    crosses_tenants=_OWN,
)
_END = Command(
    update(t).where(t.c.name == _EPOCH, t.c.value == param("old")).values(value=param("fresh")),
    crosses_tenants=_OWN,
)


async def epoch(tx: Tx, timeline_id: str) -> str:
    """The epoch of the log's positions, begun anew when the database woke up in another `home`.

    `home` names the server the database lives in: after a fail-over or a restore by other means
    than ours it differs, positions may come again, and cursors of before must not be believed.
    """
    # Of all the processes that find it moved, the one that says so first begins the epoch.
    moved = await tx.run(_FIRST, name=_HOME, value=timeline_id) or await tx.run(
        _MOVE, home=timeline_id
    )
    if moved:
        return await new_epoch(tx)
    return await tx.one(_GET, name=_EPOCH) or await new_epoch(tx)


async def new_epoch(tx: Tx) -> str:
    """Begin another epoch: every cursor given out so far is answered with a reset."""
    fresh = _fresh()
    await tx.run(_SET, name=_EPOCH, value=fresh)
    return fresh


async def end_epoch(tx: Tx, old: str) -> str:
    """The epoch after `old`: of all the processes that find it over, one begins the next."""
    await tx.run(_END, old=old, fresh=_fresh())
    return await tx.one(_GET, name=_EPOCH) or await new_epoch(tx)


async def retention_floor(tx: Tx) -> int:
    """The last position whose event was forgotten: a cursor below it is too old."""
    return int(await tx.one(_GET, name=_FLOOR) or 0)


async def stable_position(tx: Tx) -> int:
    """A position known to be settled, some seconds old; for a process that begins."""
    return int(await tx.one(_GET, name=_SETTLED) or 0)


async def save_stable_position(tx: Tx, position: int) -> None:
    """Remember a settled position for those who begin later."""
    await tx.run(_SET, name=_SETTLED, value=str(position))


async def forget_before(tx: Tx, time: int, at_most: int) -> bool:
    """Forget the oldest events made before `time` (µs), at most so many at once; whether there
    may be more."""
    position = await events.forget_before(tx, time, at_most)
    if not position:
        return False
    await tx.run(_SET, name=_FLOOR, value=str(position))
    await reader_events.forget_members(tx, time)
    return True


def _fresh() -> str:
    return random_token(8).lower().replace("-", "0").replace("_", "1")
