"""Lists of conversations, newest activity first.

Each list first finds the ids of its page by walking one index backwards, then reads those rows:
a deep page costs index entries, never rows (docs/benchmarks.md, `make bench-large`).
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from koine.model.conversation import Conversation
from koine.model.filters import ConversationFilter
from koine.model.message import Message
from koine.model.page import Page, Window
from koine.store import conversation_filters as filters
from koine.store import identities as people
from koine.store import messages, tallies, windows
from koine.store.conversations import COLUMNS
from koine.store.db import Tx
from koine.store.fragments import in_list
from koine.store.sql import Family, p
from koine.store.tables import conversations as t
from koine.store.tables import participants


class Listed(Conversation, frozen=True):
    """A conversation in a list, with the time (µs) this list sorts it by, the list's total where
    it is a kept one, and the newest public message where asked for."""

    sort_at: int = 0
    total: int = 0
    latest: Message | None = None


async def page(
    tx: Tx,
    f: ConversationFilter,
    window: Window,
    with_total: bool = False,
    with_latest: bool = False,
) -> Page[Listed]:
    """One page of the conversations `f` finds, with where the next one starts. Where asked for,
    the exact total and each one's newest public message come with the rows."""
    along = {"totalled"} if with_total and tallies.names_for(f) is not None else set()
    along |= {"latest"} if with_latest else set()
    rows = [] if window.too_deep else await _rows(tx, f, window, along)
    counted = None
    if with_total:
        counted = rows[0].total if rows and "totalled" in along else await total(tx, f)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items, counted, (items[-1].sort_at, items[-1].id) if more else None)


async def total(tx: Tx, f: ConversationFilter) -> int:
    """How many conversations `f` finds: a kept total where there is one, else counted."""
    kept = tallies.names_for(f)
    if kept is not None:
        return await tallies.total(tx, kept)
    names, values = await _conditions(tx, f)
    return await tx.one(_COUNTS.of(names), **values) or 0


async def _rows(tx: Tx, f: ConversationFilter, window: Window, along: set[str]) -> list[Listed]:
    """The page's rows and one more, if there is one, with what comes along."""
    names, values = await _conditions(tx, f)
    if window.cursor is not None:
        names |= {"cursor"}
        values |= {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    if "totalled" in along:
        values["totals"] = tallies.names_for(f)
    names |= windows.names(window) | along
    return await tx.all(_PAGES.of(names), **values, **windows.values(window))


async def _conditions(tx: Tx, f: ConversationFilter) -> tuple[frozenset[str], dict[str, object]]:
    """The names of the conditions `f` sets and their values, with those of `f.owner_ids` who may
    be shown as owner of what they opened."""
    names, values = filters.conditions(f)
    if f.by_shown_time and f.owner_ids:
        known = await people.by_ids(tx, list(f.owner_ids))
        values["openers"] = [each.id for each in known.values() if each.kind == "user"]
        names |= {"openers"} if values["openers"] else frozenset()
    return names, values


def _page(names: frozenset[str]) -> Select[tuple[object, ...]]:
    if "participant_id" in names:
        ids = _ids_of_participant(names)
    elif "by_shown" in names:
        ids = _ids_by_shown_time(names)
    elif not names & filters.PEOPLE and any(f"statuses={n}" in names for n in (2, 3, 4)):
        ids = _ids_by_statuses(names)
    else:
        ids = windows.cut(_walk(names, filters.where(names), _time(names)), names).subquery("page")
    along = [tallies.sum_of("totals")] if "totalled" in names else []
    listed = select(*COLUMNS, ids.c.at, *along).join(ids, t.c.id == ids.c.id)
    if "latest" in names:
        listed = messages.join_at(listed, t.c.id, t.c.last_public_seq)
    return listed.where(t.c.tenant_id == p("tenant_id")).order_by(ids.c.at.desc(), ids.c.id.desc())


def _listed(*row: Any) -> Listed:
    """A row as it was asked for: what may come along comes after the conversation's own."""
    own = len(row) if len(row) <= _OWN + 1 else len(row) - len(messages.COLUMNS)
    said = row[own:]
    no_total = (0,) * (_OWN + 1 - own)
    values: list[Any] = [*row[:own], *no_total, Message(*said) if said and said[0] else None]
    return Listed(*values)


def _walk(
    names: frozenset[str], where: list[ColumnElement[bool]], at: ColumnElement[int]
) -> Select[tuple[str, int]]:
    """Ids and sort times, newest first, from the cursor on."""
    walk = select(t.c.id, at.label("at")).where(*where)
    if "cursor" in names:
        walk = walk.where(tuple_(at, t.c.id) < _cursor())
    return walk.order_by(at.desc(), t.c.id.desc())


def _cursor() -> ColumnElement[tuple[int, str]]:
    return tuple_(p("cursor_at", t.c.last_activity_at.type), p("cursor_id", t.c.id.type))


def _ids_by_statuses(names: frozenset[str]) -> Subquery:
    """Several statuses: each walks its own index, so that a few open conversations are found at
    once among a million closed ones; then the walks are merged."""
    count = next(n for n in (2, 3, 4) if f"statuses={n}" in names)
    upto = windows.reach(names)
    walks = []
    for number in range(count):
        where = [*filters.where(names - {f"statuses={count}"}), t.c.status == p(f"status_{number}")]
        walks.append(select(_walk(names, where, t.c.last_activity_at).limit(upto).subquery()))
    return _merged(names, walks)


def _ids_by_shown_time(names: frozenset[str]) -> Subquery:
    """The chats dialect's order: rows with an overridden time are few and have their own index;
    they are merged with the rest (chats.md, D)."""
    upto = windows.reach(names)
    overridden = t.c.chat_sort_at.is_not(None)
    walks = []
    for owned, at in _shown_owners(names):
        plain = [*_within(names - filters.OWNERS, at), t.c.chat_sort_at.is_(None), *owned]
        walks.append(select(_walk(names, plain, at).limit(upto).subquery()))
        moved = [*_within(names - filters.OWNERS, t.c.chat_sort_at), overridden, *owned]
        walks.append(select(_walk(names, moved, t.c.chat_sort_at).limit(upto).subquery()))
    return _merged(names, walks)


def _shown_owners(
    names: frozenset[str],
) -> list[tuple[list[ColumnElement[bool]], ColumnElement[int]]]:
    """The conditions on the owner as the chats dialect shows it (the owner, else the user who
    opened it), each for a walk of its own, with the time that walk sorts by."""
    if not names & filters.OWNERS:
        return [([], t.c.last_activity_at)]
    theirs = [filters.one_of(names, "owner_ids", t.c.owner_id)]
    opened = [t.c.owner_id.is_(None), in_list(t.c.created_by, "openers")]
    walks = [(theirs, _time(names)), (opened, t.c.last_activity_at)]
    return walks if "openers" in names else walks[:1]


def _time(names: frozenset[str]) -> ColumnElement[int]:
    """The time to sort by; as a sum, SQLite seeks several owners, not all the newest for them."""
    return t.c.last_activity_at + 0 if "owner_ids" in names else t.c.last_activity_at


def _within(names: frozenset[str], at: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """The conditions, with the bounds of the shown time said of `at` too: where a time is shown,
    `at` is that time, so the walk over its index starts and ends at the bounds."""
    found = filters.where(names)
    if "shown_from" in names:
        found.append(at >= p("shown_from"))
    if "shown_to" in names:
        found.append(at <= p("shown_to"))
    return found


def _merged(names: frozenset[str], walks: list[Select[tuple[str, int]]]) -> Subquery:
    both = union_all(*walks).subquery("walks")
    merged = select(both.c.id, both.c.at).order_by(both.c.at.desc(), both.c.id.desc())
    return windows.cut(merged, names).subquery("page")


def _ids_of_participant(names: frozenset[str]) -> Subquery:
    """Lists of one person walk that person's own index on participants, and nothing else where
    nothing else is asked: who took part in what is removed has left it."""
    m = participants
    walk = select(m.c.conversation_id.label("id"), m.c.last_activity_at.label("at")).where(
        m.c.tenant_id == p("tenant_id"),
        m.c.identity_id == p("participant_id"),
        m.c.left_at.is_(None),
    )
    if filters.asked(names):
        same = (t.c.tenant_id == m.c.tenant_id) & (t.c.id == m.c.conversation_id)
        walk = walk.join(t, same).where(*filters.where(names))
    if "cursor" in names:
        walk = walk.where(tuple_(m.c.last_activity_at, m.c.conversation_id) < _cursor())
    ordered = walk.order_by(m.c.last_activity_at.desc(), m.c.conversation_id.desc())
    return windows.cut(ordered, names).subquery("page")


def _count(names: frozenset[str]) -> Select[int]:
    if "by_shown" in names:
        owned = or_(*(and_(true(), *condition) for condition, _ in _shown_owners(names)))
        where = [*filters.where(names - filters.OWNERS), owned]
    else:
        where = filters.where(names)
    counted = select(func.count()).select_from(t).where(*where)
    if "participant_id" in names:
        m = participants
        counted = counted.join(
            m, (m.c.tenant_id == t.c.tenant_id) & (m.c.conversation_id == t.c.id)
        ).where(m.c.identity_id == p("participant_id"), m.c.left_at.is_(None))
    return counted


_OWN = len(COLUMNS) + 1
_PAGES = Family(
    _page,
    _listed,
    filters=(
        *(*filters.FILTERS, *windows.NAMES),
        *("cursor", "by_shown", "openers", "totalled", "latest"),
    ),
)
_COUNTS = Family(_count, int, filters=(*filters.FILTERS, "by_shown", "openers"))
