"""Lists of conversations, newest activity first.

Each list first finds the ids of its page by scanning one index backwards, then reads those rows: a
deep page costs index entries, not rows (docs/benchmarks.md, `make bench-large`).
"""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    func,
    literal,
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
from koine.store.conversations import counters, filters, messages
from koine.store.conversations.filters import ConversationVariant
from koine.store.core import paging
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.row_mapper import RowMapper
from koine.store.core.statements import Query, StatementVariants, param
from koine.store.people import identities as people
from koine.store.tables import conversations as t
from koine.store.tables import participants


class ListedConversation(Conversation, frozen=True):
    """A conversation in a list, with the time (µs) that this list is sorted by, the list's total if
    it is a stored one, and the newest public message if requested."""

    sort_at: int = 0
    total: int = 0
    latest: Message | None = None


class _PageVariant(Struct, frozen=True):
    """The conditions of a page, its window, and what is selected with it."""

    conditions: ConversationVariant = ConversationVariant()
    window: paging.PageVariant = paging.PageVariant()
    cursor: bool = False
    totalled: bool = False
    latest: bool = False


async def find_page(
    tx: Tx,
    f: ConversationFilter,
    window: Window,
    with_total: bool = False,
    with_latest: bool = False,
) -> Page[ListedConversation]:
    """One page of the conversations that `f` finds, with the cursor of the next one; perhaps with
    the exact total, and the newest public message of each."""
    names = counters.counters_for(f) if with_total else None
    rows = [] if window.too_deep else await _rows(tx, f, window, names, with_latest)
    counted = None
    if with_total:
        counted = rows[0].total if rows and names is not None else await total(tx, f)
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items, counted, (items[-1].sort_at, items[-1].id) if more else None)


async def total(tx: Tx, f: ConversationFilter) -> int:
    """How many conversations `f` finds: from counters if there are any, else by counting rows."""
    names = counters.counters_for(f)
    if names is not None:
        return await counters.total(tx, names)
    variant, values = await _conditions(tx, f)
    return await tx.one(_COUNTS.of(variant), **values) or 0


async def _rows(
    tx: Tx, f: ConversationFilter, window: Window, names: list[str] | None, with_latest: bool
) -> list[ListedConversation]:
    """The rows of the page, and one more if there is one, with the sum of the counters `names`."""
    conditions, values = await _conditions(tx, f)
    if window.cursor is not None:
        values |= {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    variant = _PageVariant(
        conditions,
        paging.variant(window),
        cursor=window.cursor is not None,
        totalled=names is not None,
        latest=with_latest,
    )
    values |= {"counter_names": names, **paging.parameters(window)}
    return await tx.all(_PAGES.of(variant), **values)


async def _conditions(tx: Tx, f: ConversationFilter) -> tuple[ConversationVariant, dict[str, Any]]:
    """The variant of the statement for `f` and its parameters; among them the users of
    `f.owner_ids`, who are shown as owners of what they opened."""
    values = filters.values(f)
    if f.by_shown_time and f.owner_ids:
        known = await people.get_by_ids(tx, list(f.owner_ids))
        values["openers"] = [each.id for each in known.values() if each.kind == "user"]
    return filters.variant(f, bool(values.get("openers"))), values


def _page(v: _PageVariant) -> Query[ListedConversation]:
    c = v.conditions
    if c.participant_id:
        ids = _ids_of_participant(v)
    elif c.by_shown_time:
        ids = _ids_by_shown_time(v)
    elif not c.names_person and c.statuses > 1:
        ids = _ids_by_statuses(v)
    else:
        ids = paging.paginate(_scan(v, filters.where(c), _time(c)), v.window).subquery("page")
    row = RowMapper(
        ListedConversation,
        t,
        sort_at=ids.c.at,
        total=counters.sum_of("counter_names") if v.totalled else literal(0),
        latest=messages.ROW if v.latest else None,
    )
    listed = select(*row.columns).join(ids, t.c.id == ids.c.id)
    if v.latest:
        listed = messages.join_at(listed, t.c.id, t.c.last_public_seq)
    ordered = listed.order_by(ids.c.at.desc(), ids.c.id.desc())
    return Query(ordered.where(t.c.tenant_id == param("tenant_id")), row.into)


def _scan(
    v: _PageVariant, where: list[ColumnElement[bool]], at: ColumnElement[int]
) -> Select[tuple[str, int]]:
    """Ids and sort times, newest first, from the cursor on."""
    scan = select(t.c.id, at.label("at")).where(*where)
    if v.cursor:
        scan = scan.where(tuple_(at, t.c.id) < _cursor())
    return scan.order_by(at.desc(), t.c.id.desc())


def _cursor() -> ColumnElement[tuple[int, str]]:
    return tuple_(param("cursor_at", t.c.last_activity_at.type), param("cursor_id", t.c.id.type))


def _ids_by_statuses(v: _PageVariant) -> Subquery:
    """Several statuses: scan the index for each, so that a few open conversations are found at once
    among a million closed ones, and merge the scans."""
    row_count = paging.rows_to_page_end(v.window)
    scans = []
    where = filters.where(replace(v.conditions, statuses=0))
    for number in range(v.conditions.statuses):
        of_status = [*where, t.c.status == param(f"status_{number}")]
        scans.append(select(_scan(v, of_status, t.c.last_activity_at).limit(row_count).subquery()))
    return _merged(v, scans)


def _ids_by_shown_time(v: _PageVariant) -> Subquery:
    """By the time that is shown: rows with an overridden time are few and have their own index;
    they are merged with the rest (chats.md, D)."""
    row_count = paging.rows_to_page_end(v.window)
    overridden = t.c.sort_at_override.is_not(None)
    unowned = replace(v.conditions, owner_ids="any")
    scans = []
    for owned, at in _shown_owners(v.conditions):
        plain = [*_within(unowned, at), t.c.sort_at_override.is_(None), *owned]
        scans.append(select(_scan(v, plain, at).limit(row_count).subquery()))
        moved = [*_within(unowned, t.c.sort_at_override), overridden, *owned]
        scans.append(select(_scan(v, moved, t.c.sort_at_override).limit(row_count).subquery()))
    return _merged(v, scans)


def _shown_owners(
    v: ConversationVariant,
) -> list[tuple[list[ColumnElement[bool]], ColumnElement[int]]]:
    """The conditions on the owner that is shown (the owner, else the user who opened it), each for
    a scan of its own, with the time that this scan is sorted by."""
    if v.owner_ids == "any":
        return [([], t.c.last_activity_at)]
    theirs = [filters.one_of(v.owner_ids, "owner_ids", t.c.owner_id)]
    opened = [t.c.owner_id.is_(None), in_list(t.c.created_by, "openers")]
    scans = [(theirs, _time(v)), (opened, t.c.last_activity_at)]
    return scans if v.openers else scans[:1]


def _time(v: ConversationVariant) -> ColumnElement[int]:
    """The time to sort by. The sum hides it from the index by time: with several owners SQLite
    would scan that, instead of the index by owner."""
    return t.c.last_activity_at + 0 if v.owner_ids == "some" else t.c.last_activity_at


def _within(v: ConversationVariant, at: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """The conditions, with the bounds of the shown time also on `at`, which is that time if there
    is one: so the scan of its index starts and ends at the bounds."""
    found = filters.where(v)
    if v.shown_from:
        found.append(at >= param("shown_from"))
    if v.shown_to:
        found.append(at <= param("shown_to"))
    return found


def _merged(v: _PageVariant, scans: list[Select[tuple[str, int]]]) -> Subquery:
    both = union_all(*scans).subquery("scans")
    merged = select(both.c.id, both.c.at).order_by(both.c.at.desc(), both.c.id.desc())
    return paging.paginate(merged, v.window).subquery("page")


def _ids_of_participant(v: _PageVariant) -> Subquery:
    """Lists of one person scan the index of participants by person. Without other conditions they
    read nothing else, since the participants of removed conversations have left them."""
    m = participants
    scan = select(m.c.conversation_id.label("id"), m.c.last_activity_at.label("at")).where(
        m.c.tenant_id == param("tenant_id"),
        m.c.identity_id == param("participant_id"),
        m.c.left_at.is_(None),
    )
    if filters.filter_conditions(v.conditions):
        same = (t.c.tenant_id == m.c.tenant_id) & (t.c.id == m.c.conversation_id)
        scan = scan.join(t, same).where(*_where(v.conditions))
    if v.cursor:
        scan = scan.where(tuple_(m.c.last_activity_at, m.c.conversation_id) < _cursor())
    ordered = scan.order_by(m.c.last_activity_at.desc(), m.c.conversation_id.desc())
    return paging.paginate(ordered, v.window).subquery("page")


def _where(v: ConversationVariant) -> list[ColumnElement[bool]]:
    """All conditions in one list, for statements without a scan for each kind of owner."""
    if not v.by_shown_time:
        return filters.where(v)
    owned = or_(*(and_(true(), *condition) for condition, _ in _shown_owners(v)))
    return [*filters.where(replace(v, owner_ids="any")), owned]


def _count(v: ConversationVariant) -> Query[int]:
    counted = select(func.count()).select_from(t).where(*_where(v))
    if v.participant_id:
        m = participants
        counted = counted.join(
            m, (m.c.tenant_id == t.c.tenant_id) & (m.c.conversation_id == t.c.id)
        ).where(m.c.identity_id == param("participant_id"), m.c.left_at.is_(None))
    return Query(counted, int)


_PAGES = StatementVariants(_page, _PageVariant)
_COUNTS = StatementVariants(_count, ConversationVariant)
