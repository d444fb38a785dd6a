"""Lists of messages: pages and counts of a conversation, the newest of several conversations."""

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, func, or_, select

from koine.model.filters import MessageFilter
from koine.model.message import Message
from koine.model.page import Page, Window
from koine.store.conversations.messages import ROW, SENDER_ROW
from koine.store.core import paging
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Query, StatementVariants, param
from koine.store.tables import identities
from koine.store.tables import messages as t

CHARS_PER_ROW = 256
"""Characters that a message counts besides its text."""


class _Variant(Struct, frozen=True):
    """Which conditions a list of messages has."""

    with_private: bool = False
    said_only: bool = False
    start: bool = False
    end: bool = False
    before_seq: bool = False
    after_seq: bool = False


class _PageVariant(Struct, frozen=True):
    """Which conditions a page of messages has, its window and order."""

    conditions: _Variant = _Variant()
    window: paging.PageVariant = paging.PageVariant()
    oldest_first: bool = False


async def find_page(
    tx: Tx, conversation_id: str, f: MessageFilter, window: Window
) -> Page[Message]:
    """One page, without total. It ignores `window.cursor`: the caller turns cursors into
    `before_seq` or `after_seq`."""
    if window.too_deep:
        return Page(items=[])
    variant = _PageVariant(_variant(f), paging.variant(window), f.oldest_first)
    values = _values(conversation_id, f) | paging.parameters(window)
    rows = await tx.all(_PAGES.of(variant), **values)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].seq, items[-1].id) if more else None)


async def count(tx: Tx, conversation_id: str, f: MessageFilter) -> int:
    """How many messages `f` finds, by counting. The totals of all messages and of all public ones
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
_PUBLIC = (
    t.c.tenant_id == param("tenant_id"),
    in_list(t.c.conversation_id, "conversation_ids"),
    t.c.private.is_(False),
)
_LENGTH = (
    CHARS_PER_ROW + func.coalesce(func.length(t.c.content), 0) + func.length(t.c.content_attributes)
)
# Ids grow with time, so the newest conversation comes first.
_NEWEST_FIRST = (t.c.conversation_id.desc(), t.c.seq.desc())
_RUNNING_TOTAL = func.sum(_LENGTH).over(order_by=_NEWEST_FIRST, rows=(None, 0))
_LENGTHS = (
    select(t.c.conversation_id, t.c.seq, (_RUNNING_TOTAL - _LENGTH).label("newer"))
    .where(*_PUBLIC)
    .subquery("lengths")
)
_NEWEST = Query(
    select(*ROW.columns)
    .outerjoin(identities, SENDER_ROW)
    .join(
        _LENGTHS,
        and_(_LENGTHS.c.conversation_id == t.c.conversation_id, _LENGTHS.c.seq == t.c.seq),
    )
    .where(*_PUBLIC, _LENGTHS.c.newer < param("max_chars"))
    .order_by(t.c.conversation_id, t.c.seq),
    ROW.into,
)


async def recent_public_of(
    tx: Tx, conversation_ids: list[str], max_chars: int
) -> dict[str, list[Message]]:
    """The newest public messages of these conversations, oldest first, by conversation.

    They are taken from the newest conversation on, in each from the newest message on, until their
    sizes add up to `max_chars`; the message that passes it is included. A message counts
    `CHARS_PER_ROW` and the characters of its text and attributes.
    """
    found: dict[str, list[Message]] = {each: [] for each in conversation_ids}
    for message in await tx.all(_NEWEST, conversation_ids=conversation_ids, max_chars=max_chars):
        found[message.conversation_id].append(message)
    return found
