"""From the engine's ticket to that of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.tickets import schemas
from koine.kit.times import iso_ms
from koine.model.ticket import Ticket


def render_ticket(t: Ticket) -> schemas.Ticket:
    """One ticket."""
    return schemas.Ticket(
        id=t.id,
        conversation_id=t.conversation_id,
        kind=t.kind,
        status=t.status,
        customer_id=t.customer_id,
        assignee_id=t.assignee_id,
        created_at=iso_ms(t.created_at),
        ongoing_at=fields.render_time(t.ongoing_at),
        completed_at=fields.render_time(t.completed_at),
    )
