"""Pages of a conversation's messages, newest or oldest first, and how many there are."""

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, func, or_, select

from koine.model.filters import MessageFilter
from koine.model.message import Message
from koine.model.page import Page, Window
from koine.store.conversations.messages import ROW, SENDER_ROW
from koine.store.core import paging
from koine.store.core.db import Tx
from koine.store.core.statements import Query, StatementVariants, param
from koine.store.tables import identities
from koine.store.tables import messages as t


class _Variant(Struct, frozen=True):
    """Which conditions a list of messages has."""

    with_private: bool = False
    said_only: bool = False
    start: bool = False
    end: bool = False
    before_seq: bool = False
    after_seq: bool = False


class _PageVariant(Struct, frozen=True):
    """Which conditions a page of messages has, and how it is cut out of the list."""

    conditions: _Variant = _Variant()
    window: paging.PageVariant = paging.PageVariant()
    oldest_first: bool = False


async def page(tx: Tx, conversation_id: str, f: MessageFilter, window: Window) -> Page[Message]:
    """One page, without total. A cursor is the caller's to turn into `before_seq` or `after_seq`:
    numbers are dense, so `window.cursor` is not looked at."""
    if window.too_deep:
        return Page(items=[])
    variant = _PageVariant(_variant(f), paging.variant(window), f.oldest_first)
    values = _values(conversation_id, f) | paging.parameters(window)
    rows = await tx.all(_PAGES.of(variant), **values)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].seq, items[-1].id) if more else None)


async def count(tx: Tx, conversation_id: str, f: MessageFilter) -> int:
    """How many messages `f` finds, by counting; the totals of all messages and of all public ones
    are on the conversation (`last_seq`, `public_count`)."""
    return await tx.one(_COUNTS.of(_variant(f)), **_values(conversation_id, f)) or 0


def _variant(f: MessageFilter) -> _Variant:
    return _Variant(
        with_private=f.with_private,
        said_only=f.said_only,
        start=f.start is not None,
        end=f.end is not None,
        before_seq=f.before_seq is not None,
        after_seq=f.after_seq is not None,
    )


def _values(conversation_id: str, f: MessageFilter) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "start": f.start,
        "end": f.end,
        "before_seq": f.before_seq,
        "after_seq": f.after_seq,
    }


def _where(v: _Variant) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [
        t.c.tenant_id == param("tenant_id"),
        t.c.conversation_id == param("conversation_id"),
    ]
    if not v.with_private:
        found.append(t.c.private.is_(False))
    if v.said_only:
        found.append(or_(t.c.sender_kind != "system", t.c.type == "template"))
    if v.start:
        found.append(t.c.created_at >= param("start"))
    if v.end:
        found.append(t.c.created_at <= param("end"))
    if v.before_seq:
        found.append(t.c.seq < param("before_seq"))
    if v.after_seq:
        found.append(t.c.seq > param("after_seq"))
    return found


def _page(v: _PageVariant) -> Query[Message]:
    order = t.c.seq.asc() if v.oldest_first else t.c.seq.desc()
    found = select(*ROW.columns).outerjoin(identities, SENDER_ROW).where(*_where(v.conditions))
    return Query(paging.paginate(found.order_by(order), v.window), ROW.into)


def _count(v: _Variant) -> Query[int]:
    return Query(select(func.count()).select_from(t).where(*_where(v)), int)


_PAGES = StatementVariants(_page, _PageVariant)
_COUNTS = StatementVariants(_count, _Variant)
