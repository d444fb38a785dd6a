"""What a list of conversations asks for, as SQL: the names that choose a statement, its values,
and its conditions."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from koine.kit.text_folding import fold
from koine.model.filters import ConversationFilter
from koine.store.fragments import contains_text, folded_text, in_list
from koine.store.sql import p
from koine.store.tables import conversations as t
from koine.store.tables import identities, inboxes, tickets

_LISTS = ("kinds", "inbox_ids", "owner_ids", "responder_ids", "responder_version_ids")
OWNERS = frozenset({"owner_ids", "owner_ids=1"})
PEOPLE = OWNERS | {"assignee_id"}
"""Conditions that name a person: that person's own index leads, whatever else is asked."""
FILTERS = (
    *(name + one for name in _LISTS for one in ("", "=1")),
    *(f"statuses={count}" for count in (1, 2, 3, 4)),
    *("priority", "assignee_id", "participant_id", "shown_from", "shown_to", "search"),
    "search_reader",
    "channel_types",
)
"""Every name there is, for a Family's `filters`."""
_OF_READER = exists().where(
    tickets.c.tenant_id == t.c.tenant_id,
    tickets.c.conversation_id == t.c.id,
    tickets.c.kind == "support",
    tickets.c.customer_id == p("search_reader"),
)
_SHOWN_AT = case((t.c.chat_sort_at.is_not(None), t.c.chat_shown_at), else_=t.c.last_message_at)

_INDEXED = frozenset(
    {
        *("statuses", "kinds", "priority", "assignee_id"),
        *("participant_id", "inbox_ids", "owner_ids"),
    }
)
"""The fields whose conditions an index of conversations or participants begins with."""


def reads_few_rows(f: ConversationFilter) -> bool:
    """Whether a page of what `f` finds is cut out of a walk over one index; with any other field
    set it may look at many rows."""
    given = f.conditions()
    if given.pop("by_shown_time", False):
        return not given or (given.keys() == {"inbox_ids"} and len(f.inbox_ids) == 1)
    return given.keys() <= _INDEXED


def conditions(f: ConversationFilter) -> tuple[frozenset[str], dict[str, object]]:
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
    if f.search is not None and fold(f.search):
        names.add("search")
        values["search"] = f.search
        if f.search_reader is not None:
            names.add("search_reader")
            values["search_reader"] = f.search_reader
    for name in ("priority", "assignee_id", "participant_id", "shown_from", "shown_to"):
        if getattr(f, name) is not None:
            names.add(name)
            values[name] = getattr(f, name)
    if f.channel_types:
        names.add("channel_types")
        values["channel_types"] = list(f.channel_types)
    if f.by_shown_time:
        names.add("by_shown")
    return frozenset(names), values


def where(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """The conditions over `conversations`, of those that are not removed."""
    return [t.c.tenant_id == p("tenant_id"), t.c.removed_at.is_(None), *asked(names)]


def asked(names: frozenset[str]) -> list[ColumnElement[bool]]:
    """The conditions that the names say, alone."""
    found: list[ColumnElement[bool]] = []
    columns = {
        "kinds": _led(names, t.c.kind),
        "inbox_ids": _led(names, t.c.inbox_id),
        "owner_ids": t.c.owner_id,
        "responder_ids": t.c.responder_id,
        "responder_version_ids": t.c.responder_version_id,
    }
    for name, column in columns.items():
        if {name, f"{name}=1"} & names:
            found.append(one_of(names, name, column))
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


def one_of(names: frozenset[str], name: str, column: ColumnElement[str]) -> ColumnElement[bool]:
    """The column is the one value of the condition, or one of its values."""
    return column == p(name) if f"{name}=1" in names else in_list(column, name)


def _led(names: frozenset[str], column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, out of reach of its index where a person is named: SQLite keeps no statistics,
    and would look for one customer's open conversations among all that are open."""
    return func.coalesce(column, column) if names & PEOPLE else column


def _search(names: frozenset[str]) -> ColumnElement[bool]:
    shown_owner = func.coalesce(t.c.owner_id, t.c.created_by)
    owner = (
        select(identities.c.id)
        .where(
            identities.c.tenant_id == p("tenant_id"),
            identities.c.id == (shown_owner if "by_shown" in names else t.c.owner_id),
            contains_text(identities.c.search_names, "search"),
        )
        .exists()
    )
    title = folded_text(t.c.title_folded, t.c.title)
    content = folded_text(t.c.last_content_folded, t.c.last_content)
    said = contains_text(content, "search")
    if "search_reader" in names:
        said = and_(said, or_(t.c.kind != "support", _OF_READER))
    return or_(contains_text(title, "search"), said, owner)


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
