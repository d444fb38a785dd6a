"""Tickets: the hand-off of a conversation to people, or a support request."""

from typing import Literal

from msgspec import Struct

TicketKind = Literal["handoff", "support"]
TicketStatus = Literal["pending", "ongoing", "completed"]


class Ticket(Struct, frozen=True):
    """One ticket of a conversation. A `support` ticket's conversation is read by its customer and
    the tenant's support users alone (delivery.md, S).
    """

    id: str
    conversation_id: str
    kind: TicketKind
    status: TicketStatus
    customer_id: str | None
    assignee_id: str | None
    created_at: int
    ongoing_at: int | None
    completed_at: int | None
