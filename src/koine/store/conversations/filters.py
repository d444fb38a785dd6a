"""A `ConversationFilter` as SQL: the variant of the statement, its parameters and conditions."""

from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from koine.model.filters import ConversationFilter
from koine.store.core.expressions import contains_text, folded_text, in_list
from koine.store.core.statements import param
from koine.store.core.text_folding import fold
from koine.store.tables import conversations as t
from koine.store.tables import identities, inboxes, tickets

Values = Literal["any", "one", "some"]
"""How many values a condition has: none, exactly one, or several."""


class ConversationVariant(Struct, frozen=True, kw_only=True):
    """Which conditions a list of conversations has, as the fields of `ConversationFilter`.

    `statuses` is their number. `openers`: some of the owners are users, who with `by_shown_time`
    are shown as owners of conversations that they opened without an owner."""

    statuses: Literal[0, 1, 2, 3, 4] = 0
    kinds: Values = "any"
    priority: bool = False
    assignee_id: bool = False
    participant_id: bool = False
    inbox_ids: Values = "any"
    owner_ids: Values = "any"
    responder_ids: Values = "any"
    responder_version_ids: Values = "any"
    channel_types: bool = False
    shown_from: bool = False
    shown_to: bool = False
    search: bool = False
    search_as: bool = False
    by_shown_time: bool = False
    openers: bool = False

    @property
    def names_person(self) -> bool:
        """Whether it names a person, whose index then is read, whatever the other conditions
        are."""
        return self.assignee_id or self.owner_ids != "any"


_OF_READER = exists().where(
    tickets.c.tenant_id == t.c.tenant_id,
    tickets.c.conversation_id == t.c.id,
    tickets.c.kind == "support",
    tickets.c.customer_id == param("search_as"),
)
_SHOWN_AT = case(
    (t.c.sort_at_override.is_not(None), t.c.shown_at_override), else_=t.c.last_message_at
)

_INDEXED = frozenset(
    {
        *("statuses", "kinds", "priority", "assignee_id"),
        *("participant_id", "inbox_ids", "owner_ids"),
    }
)
"""The fields that an index of conversations or participants begins with."""


def reads_few_rows(f: ConversationFilter) -> bool:
    """Whether a page of what `f` finds is read by scanning one index; with any other field set it
    may read many rows."""
    given = f.conditions()
    if given.pop("by_shown_time", False):
        return not given or (given.keys() == {"inbox_ids"} and len(f.inbox_ids) == 1)
    return given.keys() <= _INDEXED


def variant(f: ConversationFilter, openers: bool = False) -> ConversationVariant:
    """The variant of the statement for `f`."""
    searches = f.search is not None and fold(f.search) != ""
    return ConversationVariant(
        statuses=len(set(f.statuses)),  # type: ignore[arg-type]  # there are four statuses
        kinds=_how_many(f.kinds),
        priority=f.priority is not None,
        assignee_id=f.assignee_id is not None,
        participant_id=f.participant_id is not None,
        inbox_ids=_how_many(f.inbox_ids),
        owner_ids=_how_many(f.owner_ids),
        responder_ids=_how_many(f.responder_ids),
        responder_version_ids=_how_many(f.responder_version_ids),
        channel_types=bool(f.channel_types),
        shown_from=f.shown_from is not None,
        shown_to=f.shown_to is not None,
        search=searches,
        search_as=searches and f.search_as is not None,
        by_shown_time=f.by_shown_time,
        openers=openers,
    )


def values(f: ConversationFilter) -> dict[str, Any]:
    """The parameters for `f`; a statement ignores those that it does not have."""
    found: dict[str, Any] = {
        "kinds": _one_or_list(f.kinds),
        "priority": f.priority,
        "assignee_id": f.assignee_id,
        "participant_id": f.participant_id,
        "inbox_ids": _one_or_list(f.inbox_ids),
        "owner_ids": _one_or_list(f.owner_ids),
        "responder_ids": _one_or_list(f.responder_ids),
        "responder_version_ids": _one_or_list(f.responder_version_ids),
        "channel_types": list(f.channel_types),
        "shown_from": f.shown_from,
        "shown_to": f.shown_to,
        "search": f.search,
        "search_as": f.search_as,
    }
    # Each status is a scan of its own: a repeated one would find everything twice.
    for number, status in enumerate(dict.fromkeys(f.statuses)):
        found[f"status_{number}"] = status
    return found


def where(v: ConversationVariant) -> list[ColumnElement[bool]]:
    """All conditions on `conversations`, also that they are the tenant's and not removed."""
    return [t.c.tenant_id == param("tenant_id"), t.c.removed_at.is_(None), *filter_conditions(v)]


def filter_conditions(v: ConversationVariant) -> list[ColumnElement[bool]]:
    """The conditions of the variant alone."""
    found = [
        one_of(how, name, column)
        for name, how, column in (
            ("kinds", v.kinds, _without_index(v, t.c.kind)),
            ("inbox_ids", v.inbox_ids, _without_index(v, t.c.inbox_id)),
            ("owner_ids", v.owner_ids, t.c.owner_id),
            ("responder_ids", v.responder_ids, t.c.responder_id),
            ("responder_version_ids", v.responder_version_ids, t.c.responder_version_id),
        )
        if how != "any"
    ]
    if v.statuses:
        status = _without_index(v, t.c.status)
        found.append(or_(*(status == param(f"status_{n}") for n in range(v.statuses))))
    if v.priority:
        found.append(_without_index(v, t.c.priority) == param("priority"))
    if v.assignee_id:
        found.append(t.c.assignee_id == param("assignee_id"))
    if v.shown_from:
        found.append(param("shown_from") <= _SHOWN_AT)
    if v.shown_to:
        found.append(param("shown_to") >= _SHOWN_AT)
    if v.search:
        found.append(_search(v))
    if v.channel_types:
        found.append(_channel_types())
    return found


def one_of(how: Values, name: str, column: ColumnElement[str]) -> ColumnElement[bool]:
    """The column equals the value, or one of the values, of the condition."""
    return column == param(name) if how == "one" else in_list(column, name)


def _without_index(v: ConversationVariant, column: ColumnElement[str]) -> ColumnElement[str]:
    """The column, hidden from its index if a person is named: without statistics SQLite might
    search the open conversations of one customer among all that are open."""
    return func.coalesce(column, column) if v.names_person else column


def _search(v: ConversationVariant) -> ColumnElement[bool]:
    shown_owner = func.coalesce(t.c.owner_id, t.c.created_by)
    owner = (
        select(identities.c.id)
        .where(
            identities.c.tenant_id == param("tenant_id"),
            identities.c.id == (shown_owner if v.by_shown_time else t.c.owner_id),
            contains_text(identities.c.search_names, "search"),
        )
        .exists()
    )
    title = folded_text(t.c.title_folded, t.c.title)
    content = folded_text(t.c.last_content_folded, t.c.last_content)
    message = contains_text(content, "search")
    if v.search_as:
        message = and_(message, or_(t.c.kind != "support", _OF_READER))
    return or_(contains_text(title, "search"), message, owner)


def _channel_types() -> ColumnElement[bool]:
    return (
        select(inboxes.c.id)
        .where(
            inboxes.c.tenant_id == param("tenant_id"),
            inboxes.c.id == t.c.inbox_id,
            in_list(inboxes.c.channel_type, "channel_types"),
        )
        .exists()
    )


def _how_many(wanted: tuple[str, ...]) -> Values:
    return "any" if not wanted else "one" if len(wanted) == 1 else "some"


def _one_or_list(wanted: tuple[str, ...]) -> str | list[str]:
    return wanted[0] if len(wanted) == 1 else list(wanted)
