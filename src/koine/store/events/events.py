"""The event log: every change writes its fact in its own transaction; readers find it later.

A position is taken while the conversation it is about is locked, so within a conversation the
order of positions is the order of commits. Between conversations it is not: whoever follows the
log reads only what is *settled* (see `event_log/watermark.py`).
"""

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import delete, func, select

from koine.model.event import Event, LoggedEvent
from koine.store.core.db import RowBatch, Tx
from koine.store.core.expressions import LogSnapshotTable
from koine.store.core.statements import Command, InsertMany, Query, param
from koine.store.tables import events as t
from koine.store.tables.base import columns_of

_LOG = "the log is followed once for all tenants"
_FIELDS = list(Event.__struct_fields__)
_INSERT = InsertMany(t, ["tenant_id", *_FIELDS])
_BETWEEN = (t.c.position > param("after"), t.c.position <= param("settled"))
_AFTER = Query(
    select(*columns_of(t, LoggedEvent))
    .where(*_BETWEEN)
    .order_by(t.c.position)
    .limit(param("limit")),
    LoggedEvent,
    crosses_tenants=_LOG,
)
_AFTER_OF_TENANT = Query(
    select(*columns_of(t, LoggedEvent))
    .where(t.c.tenant_id == param("tenant_id"), *_BETWEEN)
    .order_by(t.c.position)
    .limit(param("limit")),
    LoggedEvent,
)
_BY_POSITION = Query(
    select(*columns_of(t, LoggedEvent)).where(
        t.c.tenant_id == param("tenant_id"), t.c.position == param("position")
    ),
    LoggedEvent,
)
_STRETCH = Query(
    select(func.min(t.c.position), func.max(t.c.position)).where(
        t.c.tenant_id == param("tenant_id"),
        t.c.created_at >= param("since"),
        t.c.created_at < param("until"),
    )
)


class LogSnapshot(Struct, frozen=True):
    """The log as one look saw it: the last position given out, committed or not; the oldest
    transaction still open; and a number above every transaction that had begun."""

    last: int
    oldest_open: int
    next_begun: int


_LOOK = Query(
    select(LogSnapshotTable().table_valued("last", "oldest_open", "next_begun")),
    LogSnapshot,
    crosses_tenants=_LOG,
)
_OLDEST = Query(
    select(t.c.position, t.c.created_at).order_by(t.c.position).limit(param("limit")),
    crosses_tenants=_LOG,
)
_FORGET = Command(delete(t).where(t.c.position <= param("position")), crosses_tenants=_LOG)


async def append(tx: Tx, *new: Event) -> None:
    """Write the facts of the transaction's own tenant."""
    await tx.many(*append_many([(tx.tenant_id, event) for event in new]))


def append_many(rows: list[tuple[str, Event]]) -> RowBatch:
    """The work of writing facts, each with its tenant's id."""
    return _INSERT, [(tenant_id, *astuple(event)) for tenant_id, event in rows]


async def log_snapshot(tx: Tx) -> LogSnapshot:
    """What the fence needs to know to tell which positions are settled."""
    found = await tx.one(_LOOK)
    assert found is not None
    return found


async def after(tx: Tx, position: int, settled: int, limit: int) -> list[LoggedEvent]:
    """Every tenant's events beyond `position`, in order, at most `limit` of them."""
    return await tx.all(_AFTER, after=position, settled=settled, limit=limit)


async def of_tenant_after(tx: Tx, position: int, settled: int, limit: int) -> list[LoggedEvent]:
    """As `after`, of the transaction's tenant alone."""
    return await tx.all(_AFTER_OF_TENANT, after=position, settled=settled, limit=limit)


async def position_range(tx: Tx, since: int, until: int) -> tuple[int, int]:
    """Positions between which are all the tenant's events made from `since` until before `until`
    (µs): the first is below them all, the second the last of them. Looks at the whole log."""
    found = await tx.one(_STRETCH, since=since, until=until)
    return (found[0] - 1, found[1]) if found and found[0] is not None else (0, 0)


async def at(tx: Tx, position: int) -> LoggedEvent | None:
    """The tenant's event at this position; None when it was forgotten or is another's."""
    return await tx.one(_BY_POSITION, position=position)


async def forget_before(tx: Tx, time: int, at_most: int) -> int:
    """Forget the oldest events made before `time` (µs), `at_most` at once.

    Answers the position of the last one forgotten, 0 when there was none to forget.
    """
    oldest = await tx.all(_OLDEST, limit=at_most)
    young = next((i for i, (_, made) in enumerate(oldest) if made >= time), len(oldest))
    if not young:
        return 0
    position: int = oldest[young - 1][0]
    await tx.run(_FORGET, position=position)
    return position
