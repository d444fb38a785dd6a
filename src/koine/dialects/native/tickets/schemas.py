"""The types of tickets."""

from msgspec import Struct

from koine.dialects.native.schemas import Id
from koine.model.ticket import TicketKind, TicketStatus


class TakeTicket(Struct, frozen=True):
    """Who takes the ticket over; the caller without one."""

    assignee_id: Id | None = None


class Ticket(Struct, frozen=True):
    """A hand-off to people, or a support request."""

    id: str
    conversation_id: str
    kind: TicketKind
    status: TicketStatus
    customer_id: str | None
    assignee_id: str | None
    created_at: str
    ongoing_at: str | None
    completed_at: str | None
