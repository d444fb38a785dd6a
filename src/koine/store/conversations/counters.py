"""Counters of conversations, so that the exact total of a list costs one row (docs/adr/0009).

Every change of a conversation passes `conversations.insert_one`, `change`, `delete_one` or
`participants.*`, which call `apply_change` with the counters before and after it. Only
`tenant_counters` and `participant_counters` define in which counters a conversation counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import BigInteger, ColumnElement, func, select

from koine.model.conversation import Conversation
from koine.model.filters import ConversationFilter
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import InsertMany, Query, param
from koine.store.tables import counters

_ADD = InsertMany(
    counters,
    ["tenant_id", "name", "value"],
    on_conflict=["tenant_id", "name"],
    adding=["value"],
)
_SUM = Query(
    select(counters.c.name, counters.c.value).where(
        counters.c.tenant_id == param("tenant_id"), in_list(counters.c.name, "names")
    )
)

_OF_PARTICIPANT = {"statuses": "status", "kinds": "kind"}
"""The fields of the filter with counters for each participant, and the names of these."""
_OF_TENANT = _OF_PARTICIPANT | {
    "priority": "priority",
    "inbox_ids": "inbox",
    "owner_ids": "owner",
    "assignee_id": "assignee",
}
"""The fields of the filter with counters for the tenant."""


def tenant_counters(conversation: Conversation) -> list[str]:
    """The tenant's counters in which this conversation counts; none if it is removed."""
    c = conversation
    if c.removed_at is not None:
        return []
    names = ["total:all", f"total:status:{c.status}", f"total:kind:{c.kind}"]
    for dimension, value in (
        ("priority", c.priority),
        ("inbox", c.inbox_id),
        ("owner", c.owner_id),
        ("assignee", c.assignee_id),
    ):
        if value is not None:
            names.append(f"total:{dimension}:{value}")
    return names


def participant_counters(conversation: Conversation, members: Iterable[str]) -> list[str]:
    """The counters of these participants in which it counts; none if it is removed."""
    c = conversation
    if c.removed_at is not None:
        return []
    return [
        f"total:member:{member}{part}"
        for member in members
        for part in ("", f":status:{c.status}", f":kind:{c.kind}")
    ]


def counters_for(f: ConversationFilter) -> list[str] | None:
    """The counters whose sum is the exact number of conversations that `f` finds; None if the rows
    must be counted.

    Counters are used only for the conditions named here. With any other field set, also one that is
    added later, the rows are counted.
    """
    conditions = f.conditions()
    if "owner_ids" not in conditions:
        conditions.pop("by_shown_time", None)  # without owners it is only an order
    participant_id = conditions.pop("participant_id", None)
    prefix = "total" if participant_id is None else f"total:member:{participant_id}"
    if not conditions:
        return ["total:all" if participant_id is None else prefix]
    if len(conditions) > 1:
        return None
    [(field, wanted)] = conditions.items()
    dimension = (_OF_TENANT if participant_id is None else _OF_PARTICIPANT).get(field)
    if dimension is None:
        return None
    values = (wanted,) if isinstance(wanted, str) else dict.fromkeys(wanted)
    return [f"{prefix}:{dimension}:{value}" for value in values]


async def apply_change(tx: Tx, before: Iterable[str], after: Iterable[str]) -> None:
    """Subtract 1 from the counters in `before` and add 1 to those in `after`."""
    change = Counter(after)
    change.subtract(Counter(before))
    await add(tx, change)


async def total(tx: Tx, names: list[str]) -> int:
    """The sum of these counters."""
    return sum(value for _, value in await tx.all(_SUM, names=names))


def sum_of(name: str) -> ColumnElement[int]:
    """An expression for the sum of the counters in the parameter `name`, to select with a list."""
    return (
        select(func.coalesce(func.sum(counters.c.value), 0).cast(BigInteger))
        .where(counters.c.tenant_id == param("tenant_id"), in_list(counters.c.name, name))
        .scalar_subquery()
    )


async def values(tx: Tx, names: list[str]) -> dict[str, int]:
    """The values of these counters, without those that were never added to."""
    return dict(await tx.all(_SUM, names=names))


async def add(tx: Tx, changes: Mapping[str, int]) -> None:
    """Add to counters, sorted by name, so that two transactions cannot deadlock."""
    rows = [(tx.tenant_id, name, by) for name, by in sorted(changes.items()) if by]
    if rows:
        await tx.many(_ADD, rows)
