"""The audit log: entries are written in the transaction of their change and never altered, but for
details that name an erased person. Those of anonymous actors are deleted when they are old, others
when the tenant has a period for them (`store/retention`)."""

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, delete, insert, or_, select, tuple_

from koine.model.audit import AuditEntry
from koine.model.page import Page, Window
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, StatementVariants, param
from koine.store.tables import audit as t
from koine.store.tables.base import columns_of

ANONYMOUS = "anonymous"
"""The kind of an actor without a credential."""

_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")}
        | {name: param(name) for name in AuditEntry.__struct_fields__}
    )
)
_OLD = (
    t.c.tenant_id == param("tenant_id"),
    t.c.created_at < param("before"),
    t.c.actor_kind == ANONYMOUS,
)
_OLD_ANONYMOUS = Query(
    select(t.c.id).where(*_OLD).order_by(t.c.created_at).limit(param("limit")), str
)
_DELETE_ANONYMOUS = Command(delete(t).where(*_OLD, in_list(t.c.id, "ids")))


async def append(tx: Tx, entry: AuditEntry) -> None:
    """Write one entry."""
    await tx.run(_INSERT, **structs.asdict(entry))


async def find_page(
    tx: Tx,
    noun: str | None,
    action: str | None,
    window: Window,
    *,
    since: int | None = None,
    person_id: str | None = None,
    request_id: str | None = None,
) -> Page[AuditEntry]:
    """One page, newest first, perhaps of one kind of entity (`noun`) or one action, since a time
    (µs), by or about one person, or of one request."""
    values: dict[str, object] = {"noun": noun, "action": action, "request_id": request_id}
    values |= {"since": since, "person_id": person_id}
    if window.cursor is not None:
        values |= {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    variant = _PageVariant(
        cursor=window.cursor is not None,
        noun=noun is not None,
        action=action is not None,
        since=since is not None,
        person=person_id is not None,
        request_id=request_id is not None,
    )
    listed = _PAGES.of(variant)
    rows = await tx.all(listed, **values, limit=window.limit + 1, offset=window.offset)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].created_at, items[-1].id) if more else None)


async def old_anonymous(tx: Tx, before: int, limit: int) -> list[str]:
    """At most `limit` entries of anonymous actors from before a time (µs)."""
    return await tx.all(_OLD_ANONYMOUS, before=before, limit=limit)


async def delete_anonymous(tx: Tx, before: int, ids: list[str]) -> int:
    """Delete those of these entries that are old and of anonymous actors; returns how many."""
    return await tx.run(_DELETE_ANONYMOUS, before=before, ids=ids)


class _PageVariant(Struct, frozen=True, kw_only=True):
    cursor: bool = False
    noun: bool = False
    action: bool = False
    since: bool = False
    person: bool = False
    request_id: bool = False


def _page(v: _PageVariant) -> Query[AuditEntry]:
    where: list[ColumnElement[bool]] = [t.c.tenant_id == param("tenant_id")]
    if v.cursor:
        cursor = tuple_(param("cursor_at", t.c.created_at.type), param("cursor_id", t.c.id.type))
        where.append(tuple_(t.c.created_at, t.c.id) < cursor)
    if v.noun:
        where.append(t.c.noun == param("noun"))
    if v.action:
        where.append(t.c.action == param("action"))
    if v.since:
        where.append(t.c.created_at >= param("since"))
    if v.person:
        person = param("person_id", t.c.actor_id.type)
        where.append(or_(t.c.actor_id == person, t.c.noun_id == person))
    if v.request_id:
        where.append(t.c.request_id == param("request_id"))
    listed = select(*columns_of(t, AuditEntry)).where(*where)
    newest = listed.order_by(t.c.created_at.desc(), t.c.id.desc())
    return Query(newest.limit(param("limit")).offset(param("offset")), AuditEntry)


_PAGES = StatementVariants(_page, _PageVariant)
