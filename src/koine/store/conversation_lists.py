"""Lists of conversations, newest activity first.

Each list first finds the ids of its page by walking one index backwards, then reads those rows:
a deep page costs index entries, never rows (docs/benchmarks.md, `make bench-large`).
"""

from collections.abc import Callable

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    case,
    func,
    or_,
    select,
    tuple_,
    union_all,
)

from koine.model.conversation import Conversation
from koine.model.filters import ConversationFilter
from koine.model.page import Page, Window
from koine.store import identities as people
from koine.store import tallies, windows
from koine.store.conversations import COLUMNS
from koine.store.db import Tx
from koine.store.fragments import contains_ci, in_list
from koine.store.sql import Family, p
from koine.store.tables import conversations as t
from koine.store.tables import identities, inboxes, participants

_LISTS = ("kinds", "inbox_ids", "owner_ids", "responder_ids", "responder_version_ids")
_OWNERS = frozenset({"owner_ids", "owner_ids=1"})
_PEOPLE = _OWNERS | {"assignee_id"}
_SHOWN_AT = case((t.c.chat_sort_at.is_not(None), t.c.chat_shown_at), else_=t.c.last_message_at)


class Listed(Conversation, frozen=True):
    """A conversation in a list, with the time (µs) this list sorts it by."""

    sort_at: int = 0


async def page(tx: Tx, f: ConversationFilter, window: Window) -> Page[Listed]:
    """One page of the conversations `f` finds, with where the next one starts, without total."""
    if window.too_deep:
        return Page(items=[])
    names, values = _conditions(f)
    if window.cursor is not None:
        names |= {"cursor"}
        values |= {"cursor_at": window.cursor[0], "cursor_id": window.cursor[1]}
    if f.by_shown_time and f.owner_ids:
        known = await people.by_ids(tx, list(f.owner_ids))
        values["openers"] = [each.id for each in known.values() if each.kind == "user"]
        names |= {"openers"} if values["openers"] else frozenset()
    names |= windows.names(window)
    rows = await tx.all(_PAGES.of(names), **values, **windows.values(window))
    items = rows[: window.limit]
    more = len(rows) > window.limit
    return Page(items=items, next=(items[-1].sort_at, items[-1].id) if more else None)


async def total(tx: Tx, f: ConversationFilter) -> int:
    """How many conversations `f` finds: a kept total where there is one, else counted."""
    kept = tallies.names_for(f)
    if kept is not None:
        return await tallies.total(tx, kept)
    names, values = _conditions(f)
    counted = await tx.one(_COUNTS.of(names - {"by_shown"}), **values)
    return int(counted[0]) if counted else 0


def _conditions(f: ConversationFilter) -> tuple[frozenset[str], dict[str, object]]:
    """The names of the conditions `f` sets, which choose the statement, and their values."""
    names: set[str] = set()
    values: dict[str, object] = {}
    for name in _LISTS:
        wanted: tuple[str, ...] = getattr(f, name)
        if len(wanted) == 1:
            names.add(f"{name}=1")
            values[name] = wanted[0]
        elif wanted:
            names.add(name)
            values[name] = list(wanted)
    # Each status is a walk of its own: named twice it would find everything twice.
    statuses = dict.fromkeys(f.statuses)
    for number, status in enumerate(statuses):
        values[f"status_{number}"] = status
    if statuses:
        names.add(f"statuses={len(statuses)}")
    for name in ("priority", "assignee_id", "participant_id", "shown_from", "shown_to", "search"):
        if getattr(f, name) is not None:
            names.add(name)
            values[name] = getattr(f, name)
    if f.channel_types:
        names.add("channel_types")
        values["channel_types"] = list(f.channel_types)
    if f.by_shown_time:
        names.add("by_shown")
    return frozenset(names), values


def _where(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """The conditions as SQL over `conversations`."""
    found = [t.c.tenant_id == p("tenant_id"), t.c.removed_at.is_(None)]
    columns = {
        "kinds": _led(names, t.c.kind),
        "inbox_ids": _led(names, t.c.inbox_id),
        "owner_ids": t.c.owner_id,
        "responder_ids": t.c.responder_id,
        "responder_version_ids": t.c.responder_version_id,
    }
    for name, column in columns.items():
        if {name, f"{name}=1"} & names:
            found.append(_one_of(names, name, column))
    for count in (c for c in (1, 2, 3, 4) if f"statuses={c}" in names):
        status = _led(names, t.c.status)
        found.append(or_(*(status == p(f"status_{n}") for n in range(count))))
    simple: dict[str, Callable[[], ColumnElement[bool]]] = {
        "priority": lambda: _led(names, t.c.priority) == p("priority"),
        "assignee_id": lambda: t.c.assignee_id == p("assignee_id"),
        "shown_from": lambda: p("shown_from") <= _SHOWN_AT,
        "shown_to": lambda: p("shown_to") >= _SHOWN_AT,
        "search": lambda: _search(names),
        "channel_types": _channel_types,
    }
    found.extend(make() for name, make in simple.items() if name in names)
    return found


def _one_of(names: frozenset[str], name: str, column: ColumnElement[str]) -> ColumnElement[bool]:
    return column == p(name) if f"{name}=1" in names else in_list(column, name)


def _led(names: frozenset[str], column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, out of reach of its index where a person is named: SQLite keeps no statistics,
    and would look for one customer's open conversations among all that are open."""
    return func.coalesce(column, column) if names & _PEOPLE else column


def _search(names: frozenset[str]) -> ColumnElement[bool]:
    shown_owner = func.coalesce(t.c.owner_id, t.c.created_by)
    owner = (
        select(identities.c.id)
        .where(
            identities.c.tenant_id == p("tenant_id"),
            identities.c.id == (shown_owner if "by_shown" in names else t.c.owner_id),
            or_(
                contains_ci(identities.c.name, "search"),
                contains_ci(identities.c.email, "search"),
                contains_ci(identities.c.identifier, "search"),
            ),
        )
        .exists()
    )
    return or_(contains_ci(t.c.title, "search"), contains_ci(t.c.last_content, "search"), owner)


def _channel_types() -> ColumnElement[bool]:
    return (
        select(inboxes.c.id)
        .where(
            inboxes.c.tenant_id == p("tenant_id"),
            inboxes.c.id == t.c.inbox_id,
            in_list(inboxes.c.channel_type, "channel_types"),
        )
        .exists()
    )


def _page(names: frozenset[str]) -> Select[tuple[object, ...]]:
    if "participant_id" in names:
        ids = _ids_of_participant(names)
    elif "by_shown" in names:
        ids = _ids_by_shown_time(names)
    elif not names & _PEOPLE and any(f"statuses={n}" in names for n in (2, 3, 4)):
        ids = _ids_by_statuses(names)
    else:
        ids = windows.cut(_walk(names, _where(names), _time(names)), names).subquery("page")
    return (
        select(*COLUMNS, ids.c.at)
        .join(ids, t.c.id == ids.c.id)
        .where(t.c.tenant_id == p("tenant_id"))
        .order_by(ids.c.at.desc(), ids.c.id.desc())
    )


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
        where = [*_where(names - {f"statuses={count}"}), t.c.status == p(f"status_{number}")]
        walks.append(select(_walk(names, where, t.c.last_activity_at).limit(upto).subquery()))
    return _merged(names, walks)


def _ids_by_shown_time(names: frozenset[str]) -> Subquery:
    """The chats dialect's order: rows with an overridden time are few and have their own index;
    they are merged with the rest (chats.md, D)."""
    upto = windows.reach(names)
    overridden = t.c.chat_sort_at.is_not(None)
    walks = []
    for owned, at in _shown_owners(names):
        plain = [*_within(names - _OWNERS, at), t.c.chat_sort_at.is_(None), *owned]
        walks.append(select(_walk(names, plain, at).limit(upto).subquery()))
        moved = [*_within(names - _OWNERS, t.c.chat_sort_at), overridden, *owned]
        walks.append(select(_walk(names, moved, t.c.chat_sort_at).limit(upto).subquery()))
    return _merged(names, walks)


def _shown_owners(
    names: frozenset[str],
) -> list[tuple[list[ColumnElement[bool]], ColumnElement[int]]]:
    """The conditions on the owner as the chats dialect shows it (the owner, else the user who
    opened it), each for a walk of its own, with the time that walk sorts by."""
    if not names & _OWNERS:
        return [([], t.c.last_activity_at)]
    theirs = [_one_of(names, "owner_ids", t.c.owner_id)]
    opened = [t.c.owner_id.is_(None), in_list(t.c.created_by, "openers")]
    walks = [(theirs, _time(names)), (opened, t.c.last_activity_at)]
    return walks if "openers" in names else walks[:1]


def _time(names: frozenset[str]) -> ColumnElement[int]:
    """The time to sort by; as a sum, SQLite seeks several owners, not all the newest for them."""
    return t.c.last_activity_at + 0 if "owner_ids" in names else t.c.last_activity_at


def _within(names: frozenset[str], at: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """The conditions, with the bounds of the shown time said of `at` too: where a time is shown,
    `at` is that time, so the walk over its index starts and ends at the bounds."""
    found = _where(names)
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
    """Lists of one person walk that person's own index on participants."""
    m = participants
    walk = (
        select(m.c.conversation_id.label("id"), m.c.last_activity_at.label("at"))
        .join(t, (t.c.tenant_id == m.c.tenant_id) & (t.c.id == m.c.conversation_id))
        .where(
            m.c.tenant_id == p("tenant_id"),
            m.c.identity_id == p("participant_id"),
            m.c.left_at.is_(None),
            *_where(names),
        )
    )
    if "cursor" in names:
        walk = walk.where(tuple_(m.c.last_activity_at, m.c.conversation_id) < _cursor())
    ordered = walk.order_by(m.c.last_activity_at.desc(), m.c.conversation_id.desc())
    return windows.cut(ordered, names).subquery("page")


def _count(names: frozenset[str]) -> Select[int]:
    counted = select(func.count()).select_from(t).where(*_where(names))
    if "participant_id" in names:
        m = participants
        counted = counted.join(
            m, (m.c.tenant_id == t.c.tenant_id) & (m.c.conversation_id == t.c.id)
        ).where(m.c.identity_id == p("participant_id"), m.c.left_at.is_(None))
    return counted


_FILTERS = (
    *(name + one for name in _LISTS for one in ("", "=1")),
    *(f"statuses={count}" for count in (1, 2, 3, 4)),
    *("priority", "assignee_id", "participant_id", "shown_from", "shown_to", "search"),
    "channel_types",
)
_PAGES = Family(_page, Listed, filters=(*_FILTERS, *windows.NAMES, "cursor", "by_shown", "openers"))
_COUNTS = Family(_count, filters=_FILTERS)
