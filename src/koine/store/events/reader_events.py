"""The events for one reader, found by the ids of its conversations and other subjects.

The functions return positions; their events are then read a few at a time.
"""

from sqlalchemy import ColumnElement, delete, or_, select

from koine.store.core.db import Tx
from koine.store.core.expressions import upsert, values_table
from koine.store.core.statements import Command, Query, param
from koine.store.core.types import Uuid
from koine.store.retention.rules import KEEPS_EVENTS
from koine.store.tables import event_members
from koine.store.tables import events as t

_IN_TENANT = t.c.tenant_id == param("tenant_id")
_BETWEEN = (t.c.position > param("after"), t.c.position <= param("until"))
_BY_SUBJECT = or_(t.c.conversation_id.is_(None), t.c.kind == "participant.left")


_WANTED = values_table("wanted", {"id": Uuid()})


def _positions(key: ColumnElement[str], *conditions: ColumnElement[bool]) -> Query[int]:
    """The ids are the first table of the join, or the planner might read the log of the tenant."""
    return Query(
        select(t.c.position)
        .join_from(_WANTED, t, key == _WANTED.c.id)
        .where(_IN_TENANT, *conditions, *_BETWEEN)
        .order_by(t.c.position)
        .limit(param("limit")),
        int,
    )


_OF_CONVERSATIONS = _positions(t.c.conversation_id)
_OF_SUBJECTS = _positions(t.c.subject_id, _BY_SUBJECT)
_FIRST_TIME = Query(
    select(t.c.created_at).where(_IN_TENANT, *_BETWEEN).order_by(t.c.position).limit(1), int
)
_MEMBER_OF = Query(
    select(event_members.c.subject_id).where(
        event_members.c.tenant_id == param("tenant_id"),
        event_members.c.identity_id == param("identity_id"),
    ),
    str,
)
_SAVE_MEMBER = Command(
    upsert(
        event_members,
        {name: param(name) for name in ("tenant_id", "identity_id", "subject_id", "created_at")},
        ["tenant_id", "identity_id", "subject_id"],
        lambda new: {"created_at": new.created_at},
    )
)
_DELETE_MEMBERS = Command(
    delete(event_members).where(
        event_members.c.created_at < param("time"), event_members.c.tenant_id.not_in(KEEPS_EVENTS)
    ),
    crosses_tenants="old events are deleted for all tenants at once",
)
_DELETE_MEMBERS_OF_TENANT = Command(
    delete(event_members).where(
        event_members.c.tenant_id == param("tenant_id"),
        event_members.c.created_at < param("time"),
    )
)


async def of_conversations(tx: Tx, ids: list[str], after: int, until: int, limit: int) -> list[int]:
    """The first `limit` positions of these conversations' events after `after`, up to `until`."""
    wanted = [(each,) for each in ids]
    return await tx.all(_OF_CONVERSATIONS, wanted=wanted, after=after, until=until, limit=limit)


async def about(tx: Tx, ids: list[str], after: int, until: int, limit: int) -> list[int]:
    """As `of_conversations`, for the events without a conversation about these subjects, and for
    those that one of these people left a conversation."""
    wanted = [(each,) for each in ids]
    return await tx.all(_OF_SUBJECTS, wanted=wanted, after=after, until=until, limit=limit)


async def first_time(tx: Tx, after: int, until: int) -> int | None:
    """When the tenant's first event between two positions was created (µs); None without one."""
    return await tx.one(_FIRST_TIME, after=after, until=until)


async def member_of(tx: Tx, identity_id: str) -> list[str]:
    """The deleted conversations and the deliveries whose events name the person as a member."""
    return await tx.all(_MEMBER_OF, identity_id=identity_id)


async def save_members(tx: Tx, subject_id: str, members: list[str], now: int) -> None:
    """Save the members that an event about the subject, created at `now` (µs), names."""
    for identity_id in members:
        await tx.run(_SAVE_MEMBER, identity_id=identity_id, subject_id=subject_id, created_at=now)


async def delete_members_before(tx: Tx, time: int) -> None:
    """Delete the members that were last named by events created before `time` (µs)."""
    await tx.run(_DELETE_MEMBERS, time=time)


async def delete_members_of_tenant_before(tx: Tx, time: int) -> None:
    """As `delete_members_before`, of the transaction's tenant."""
    await tx.run(_DELETE_MEMBERS_OF_TENANT, time=time)
