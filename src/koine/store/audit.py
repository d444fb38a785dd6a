"""The audit log: written in the transaction that did the thing, never changed. What strangers
did is forgotten in time."""

from typing import Any

from msgspec import structs
from sqlalchemy import ColumnElement, Select, delete, insert, select, tuple_

from koine.model.audit import AuditEntry
from koine.model.page import Page, Window
from koine.store.db import Tx
from koine.store.fragments import in_list
from koine.store.sql import Command, Family, Query, p
from koine.store.tables import audit as t
from koine.store.tables.base import columns_of

ANONYMOUS = "anonymous"
"""The kind of actor nobody knows. What they did is the only thing the log forgets, in time."""

_INSERT = Command(
    insert(t).values(
        {"tenant_id": p("tenant_id")} | {name: p(name) for name in AuditEntry.__struct_fields__}
    )
)
_OLD = (
    t.c.tenant_id == p("tenant_id"), t.c.created_at < p("before"), t.c.actor_kind == ANONYMOUS
)  # fmt: skip
_OLD_ANONYMOUS = Query(select(t.c.id).where(*_OLD).order_by(t.c.created_at).limit(p("limit")), str)
_FORGET = Command(delete(t).where(*_OLD, in_list(t.c.id, "ids")))


async def append(tx: Tx, entry: AuditEntry) -> None:
    """Write one entry."""
    await tx.run(_INSERT, **structs.asdict(entry))


async def page(tx: Tx, noun: str | None, action: str | None, window: Window) -> Page[AuditEntry]:
    """One page, newest first, of one noun or action when given."""
    values: dict[str, object] = {}
    if window.cursor is not None:
        values = {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    names = {"cursor"} if window.cursor is not None else set()
    for name, value in (("noun", noun), ("action", action)):
        if value is not None:
            names.add(name)
            values[name] = value
    rows = await tx.all(_PAGES.of(names), **values, limit=window.limit + 1, offset=window.offset)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].created_at, items[-1].id) if more else None)


async def old_anonymous(tx: Tx, before: int, limit: int) -> list[str]:
    """Entries about strangers of before a time (µs), so many at most."""
    return await tx.all(_OLD_ANONYMOUS, before=before, limit=limit)


async def forget(tx: Tx, before: int, ids: list[str]) -> int:
    """Forget these entries, if they are about strangers and that old; answers how many."""
    return await tx.run(_FORGET, before=before, ids=ids)


def _page(names: frozenset[str]) -> Select[*tuple[Any, ...]]:
    where: list[ColumnElement[bool]] = [t.c.tenant_id == p("tenant_id")]
    if "cursor" in names:
        cursor = tuple_(p("cursor_at", t.c.created_at.type), p("cursor_id", t.c.id.type))
        where.append(tuple_(t.c.created_at, t.c.id) < cursor)
    where.extend(t.c[name] == p(name) for name in ("noun", "action") if name in names)
    listed = select(*columns_of(t, AuditEntry)).where(*where)
    newest = listed.order_by(t.c.created_at.desc(), t.c.id.desc())
    return newest.limit(p("limit")).offset(p("offset"))


_PAGES = Family(_page, AuditEntry, filters=("cursor", "noun", "action"))
