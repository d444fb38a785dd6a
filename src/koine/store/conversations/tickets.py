"""Tickets of conversations."""

from msgspec import structs
from sqlalchemy import delete, insert, select, update

from koine.model.ticket import Ticket
from koine.store.core.db import Tx
from koine.store.core.expressions import in_list
from koine.store.core.statements import Command, Query, param
from koine.store.tables import tickets as t
from koine.store.tables.base import columns_of

_COLUMNS = columns_of(t, Ticket)
_IN_TENANT = t.c.tenant_id == param("tenant_id")

_BY_ID = Query(select(*_COLUMNS).where(_IN_TENANT, t.c.id == param("id")), Ticket)
_OF = Query(
    select(*_COLUMNS)
    .where(_IN_TENANT, in_list(t.c.conversation_id, "conversation_ids"))
    .order_by(t.c.created_at, t.c.id),
    Ticket,
)
_ONGOING_OF = Query(
    select(*_COLUMNS)
    .where(
        _IN_TENANT,
        t.c.conversation_id == param("conversation_id"),
        t.c.assignee_id == param("assignee_id"),
        t.c.status == "ongoing",
    )
    .order_by(t.c.created_at, t.c.id),
    Ticket,
)
_INSERT = Command(
    insert(t).values(
        {"tenant_id": param("tenant_id")} | {name: param(name) for name in Ticket.__struct_fields__}
    )
)
_UPDATE = Command(
    update(t)
    .where(_IN_TENANT, t.c.id == param("id"))
    .values(
        status=param("new_status"),
        assignee_id=param("new_assignee_id"),
        ongoing_at=param("new_ongoing_at"),
        completed_at=param("new_completed_at"),
    )
)
_REASSIGN = Command(
    update(t)
    .where(_IN_TENANT, t.c.customer_id == param("old_id"))
    .values(customer_id=param("new_id"))
)
_DELETE_OF = Command(delete(t).where(_IN_TENANT, t.c.conversation_id == param("conversation_id")))


async def get(tx: Tx, ticket_id: str) -> Ticket | None:
    """The ticket with this id."""
    return await tx.one(_BY_ID, id=ticket_id)


async def latest_of(tx: Tx, conversation_ids: list[str]) -> dict[str, Ticket]:
    """The newest ticket of each conversation that has one, by conversation."""
    found = await tx.all(_OF, conversation_ids=conversation_ids) if conversation_ids else []
    return {ticket.conversation_id: ticket for ticket in found}


async def ongoing_of(tx: Tx, conversation_id: str, assignee_id: str) -> list[Ticket]:
    """The conversation's ongoing tickets that are assigned to this user, oldest first."""
    return await tx.all(_ONGOING_OF, conversation_id=conversation_id, assignee_id=assignee_id)


async def support_customers(tx: Tx, conversation_ids: list[str]) -> dict[str, set[str]]:
    """The customers of the support tickets of each conversation that has any, by conversation."""
    customers: dict[str, set[str]] = {}
    for ticket in await tx.all(_OF, conversation_ids=conversation_ids):
        if ticket.kind == "support" and ticket.customer_id is not None:
            customers.setdefault(ticket.conversation_id, set()).add(ticket.customer_id)
    return customers


async def insert_one(tx: Tx, ticket: Ticket) -> None:
    """Add a ticket."""
    await tx.run(_INSERT, **structs.asdict(ticket))


async def change(tx: Tx, ticket: Ticket) -> None:
    """Write the ticket's status, assignee and times over the row with its id."""
    await tx.run(
        _UPDATE,
        id=ticket.id,
        new_status=ticket.status,
        new_assignee_id=ticket.assignee_id,
        new_ongoing_at=ticket.ongoing_at,
        new_completed_at=ticket.completed_at,
    )


async def delete_of(tx: Tx, conversation_id: str) -> None:
    """Delete the tickets of a conversation."""
    await tx.run(_DELETE_OF, conversation_id=conversation_id)


async def reassign(tx: Tx, old_id: str, new_id: str) -> None:
    """Make another identity the customer of the tickets of `old_id` (merging contacts)."""
    await tx.run(_REASSIGN, old_id=old_id, new_id=new_id)
