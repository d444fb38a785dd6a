"""What a removed identity still holds in conversations: participations, assignments, tickets; and
what a blocked user still works on: open conversations and tickets."""

from sqlalchemy import ColumnElement, Select, and_, or_, select

from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import conversations, identities, participants, tickets


def _held(
    column: ColumnElement[str], condition: ColumnElement[bool], *, tenant_id: ColumnElement[str]
) -> Select[str]:
    return select(column).where(tenant_id == param("tenant_id"), condition)


def _takes_part(user_id: ColumnElement[str]) -> Select[str]:
    c = participants.c
    return _held(
        c.conversation_id,
        and_(c.identity_id == user_id, c.left_at.is_(None)),
        tenant_id=c.tenant_id,
    )


def _is_assigned(user_id: ColumnElement[str]) -> Select[str]:
    c = conversations.c
    return _held(
        c.id, and_(c.assignee_id == user_id, c.removed_at.is_(None)), tenant_id=c.tenant_id
    )


def _works_on(user_id: ColumnElement[str]) -> Select[str]:
    c = conversations.c
    condition = and_(c.assignee_id == user_id, c.removed_at.is_(None), c.status != "closed")
    return _held(c.id, condition, tenant_id=c.tenant_id)


def _has_ticket(user_id: ColumnElement[str]) -> Select[str]:
    c = tickets.c
    condition = and_(c.assignee_id == user_id, c.status == "ongoing")
    return _held(c.conversation_id, condition, tenant_id=c.tenant_id)


_KINDS = (_takes_part, _is_assigned, _has_ticket)
_OF_ONE = [
    Query(kind(param("identity_id", identities.c.id.type)).limit(param("limit")), str)
    for kind in _KINDS
]
_WORK = (_works_on, _has_ticket)
_WORK_OF_ONE = [
    Query(kind(param("identity_id", identities.c.id.type)).limit(param("limit")), str)
    for kind in _WORK
]
_BLOCKED_WITH_WORK = Query(
    select(identities.c.id)
    .where(
        identities.c.tenant_id == param("tenant_id"),
        identities.c.kind == "user",
        identities.c.blocked,
        identities.c.removed_at.is_(None),
        or_(*(kind(identities.c.id).exists() for kind in _WORK)),
    )
    .limit(param("limit")),
    str,
)
_UNFINISHED = Query(
    select(identities.c.id)
    .where(
        identities.c.tenant_id == param("tenant_id"),
        identities.c.removed_at.is_not(None),
        or_(*(kind(identities.c.id).exists() for kind in _KINDS)),
    )
    .limit(param("limit")),
    str,
)


async def conversations_holding(tx: Tx, identity_id: str, limit: int) -> list[str]:
    """The ids of conversations in which the identity still holds something, sorted, at most three
    times `limit`."""
    found: set[str] = set()
    for query in _OF_ONE:
        found.update(await tx.all(query, identity_id=identity_id, limit=limit))
    return sorted(found)


async def unfinished(tx: Tx, limit: int) -> list[str]:
    """The ids of removed identities that still hold something."""
    return await tx.all(_UNFINISHED, limit=limit)


async def conversations_worked_on(tx: Tx, user_id: str, limit: int) -> list[str]:
    """The ids of open conversations that the user is assigned to, or of which it has a ticket,
    sorted, at most twice `limit`."""
    found: set[str] = set()
    for query in _WORK_OF_ONE:
        found.update(await tx.all(query, identity_id=user_id, limit=limit))
    return sorted(found)


async def blocked_with_work(tx: Tx, limit: int) -> list[str]:
    """The ids of blocked users that still work on something."""
    return await tx.all(_BLOCKED_WITH_WORK, limit=limit)
