"""The event log: each change writes its event in its own transaction; readers read it later.

An event takes its position while its conversation is locked, so within a conversation positions are
in the order of commits. Between conversations they are not, so followers of the log read only what
is *stable* (see `event_log/watermark.py`).
"""

from itertools import takewhile

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import delete, func, or_, select

from koine.model.event import Event, LoggedEvent
from koine.store.core.db import RowBatch, Tx
from koine.store.core.expressions import LogSnapshotTable, in_list
from koine.store.core.statements import Command, InsertMany, Query, Row, param
from koine.store.retention.rules import KEEPS_EVENTS
from koine.store.tables import events as t
from koine.store.tables.base import columns_of
from koine.store.tenants import SUSPENDED

_LOG = "one reader follows the log for all tenants"
_FIELDS = list(Event.__struct_fields__)
_INSERT = InsertMany(t, ["tenant_id", *_FIELDS])
_BETWEEN = (t.c.position > param("after"), t.c.position <= param("stable"))
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
_BY_POSITIONS = Query(
    select(*columns_of(t, LoggedEvent))
    .where(t.c.tenant_id == param("tenant_id"), in_list(t.c.position, "positions"))
    .order_by(t.c.position),
    LoggedEvent,
)
_POSITION_RANGE = Query(
    select(func.min(t.c.position), func.max(t.c.position)).where(
        t.c.tenant_id == param("tenant_id"),
        t.c.created_at >= param("since"),
        t.c.created_at < param("until"),
    )
)


class LogSnapshot(Struct, frozen=True):
    """The state of the log at one moment: the last position assigned, committed or not; the oldest
    open transaction; and a number above those of all transactions that had begun."""

    last: int
    oldest_open: int
    next_begun: int


_SNAPSHOT = Query(
    select(LogSnapshotTable().table_valued("last", "oldest_open", "next_begun")),
    LogSnapshot,
    crosses_tenants=_LOG,
)
# Of a suspended tenant no event is deleted: webhooks that are held back are built of events.
_KEPT = or_(t.c.tenant_id.in_(SUSPENDED), t.c.tenant_id.in_(KEEPS_EVENTS))
_OLDEST = Query(
    select(t.c.position, t.c.created_at).where(~_KEPT).order_by(t.c.position).limit(param("limit")),
    crosses_tenants=_LOG,
)
_DELETE_UP_TO = Command(
    delete(t).where(t.c.position <= param("position"), ~_KEPT), crosses_tenants=_LOG
)
_OLDEST_OF_TENANT = Query(
    select(t.c.position, t.c.created_at)
    .where(t.c.tenant_id == param("tenant_id"))
    .order_by(t.c.position)
    .limit(param("limit"))
)
_DELETE_OF_TENANT = Command(
    delete(t).where(t.c.tenant_id == param("tenant_id"), t.c.position <= param("position"))
)


async def append(tx: Tx, *new: Event) -> None:
    """Write events of the transaction's tenant."""
    await tx.many(*append_many([(tx.tenant_id, event) for event in new]))


def append_many(rows: list[tuple[str, Event]]) -> RowBatch:
    """The command and the rows that write events, each with its tenant's id."""
    return _INSERT, [(tenant_id, *astuple(event)) for tenant_id, event in rows]


async def log_snapshot(tx: Tx) -> LogSnapshot:
    """What the watermark is computed from."""
    found = await tx.one(_SNAPSHOT)
    assert found is not None
    return found


async def after(tx: Tx, position: int, stable: int, limit: int) -> list[LoggedEvent]:
    """The events of all tenants after `position` up to `stable`, in order, at most `limit`."""
    return await tx.all(_AFTER, after=position, stable=stable, limit=limit)


async def of_tenant_after(tx: Tx, position: int, stable: int, limit: int) -> list[LoggedEvent]:
    """As `after`, of the transaction's tenant."""
    return await tx.all(_AFTER_OF_TENANT, after=position, stable=stable, limit=limit)


async def position_range(tx: Tx, since: int, until: int) -> tuple[int, int]:
    """The range of the tenant's events created from `since` until before `until` (µs): the position
    before the first, and that of the last. Reads the whole log."""
    found = await tx.one(_POSITION_RANGE, since=since, until=until)
    return (found[0] - 1, found[1]) if found and found[0] is not None else (0, 0)


async def get_by_position(tx: Tx, position: int) -> LoggedEvent | None:
    """The tenant's event at this position; None if it was deleted or is another tenant's."""
    return await tx.one(_BY_POSITION, position=position)


async def get_by_positions(tx: Tx, positions: list[int]) -> list[LoggedEvent]:
    """The tenant's events at these positions, in order."""
    return await tx.all(_BY_POSITIONS, positions=positions)


async def delete_before(tx: Tx, time: int, limit: int) -> int:
    """Delete the oldest events created before `time` (µs), at most `limit`, of tenants that are not
    suspended and have no period of their own.

    Returns the position of the last one deleted, 0 if there was none.
    """
    old = _before(await tx.all(_OLDEST, limit=limit), time)
    if not old:
        return 0
    await tx.run(_DELETE_UP_TO, position=old[-1])
    return old[-1]


async def delete_of_tenant_before(tx: Tx, time: int, limit: int) -> tuple[int, int]:
    """As `delete_before`, of the transaction's tenant; returns how many, and the position of the
    last."""
    old = _before(await tx.all(_OLDEST_OF_TENANT, limit=limit), time)
    if not old:
        return 0, 0
    await tx.run(_DELETE_OF_TENANT, position=old[-1])
    return len(old), old[-1]


def _before(oldest: list[Row], time: int) -> list[int]:
    """The positions of the oldest events up to the first that was created at `time` or later."""
    return [position for position, _ in takewhile(lambda row: row[1] < time, oldest)]
