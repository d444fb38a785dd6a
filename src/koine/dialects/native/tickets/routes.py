"""The tickets of conversations: open, take, complete."""

from koine.dialects.native import fields
from koine.dialects.native.auth import require_reader, require_writer
from koine.dialects.native.tickets import schemas
from koine.dialects.native.tickets.render import render_ticket
from koine.engine.conversations import tickets
from koine.http.request import Request
from koine.http.route import PathType, Routes
from koine.model.errors import Invalid

CONVERSATION = "/v1/conversations/{conversation_id}"
TICKET = "/v1/tickets/{ticket_id}"
TAGS = ("Tickets",)
ONE: dict[str, PathType] = {"conversation_id": "uuid"}
TICKET_ID: dict[str, PathType] = {"ticket_id": "uuid"}

routes = Routes()


@routes.post(
    CONVERSATION + "/tickets", returns=schemas.Ticket, status=201, path_types=ONE, tags=TAGS
)
async def open_ticket(request: Request[None, None]) -> schemas.Ticket:
    """Hand a conversation off to people: its responder is silent from now on."""
    conversation_id = fields.path_id(request, "conversation_id")
    return render_ticket(
        await tickets.open_(request.engine, require_writer(request), conversation_id)
    )


@routes.get(TICKET, returns=schemas.Ticket, path_types=TICKET_ID, tags=TAGS)
async def get_ticket(request: Request[None, None]) -> schemas.Ticket:
    """Get one ticket."""
    ticket_id = fields.path_id(request, "ticket_id")
    return render_ticket(await tickets.get(request.engine, require_reader(request), ticket_id))


@routes.post(
    TICKET + "/take",
    body=schemas.TakeTicket,
    returns=schemas.Ticket,
    path_types=TICKET_ID,
    tags=TAGS,
)
async def take_ticket(request: Request[schemas.TakeTicket, None]) -> schemas.Ticket:
    """Take a ticket and its conversation over, for oneself or another user."""
    ticket_id = fields.path_id(request, "ticket_id")
    taker = (
        fields.parse_optional_id("assignee_id", request.body.assignee_id)
        or request.actor.identity_id
    )
    if taker is None:
        raise Invalid("assignee_id", "is required")
    return render_ticket(
        await tickets.take(request.engine, require_writer(request), ticket_id, taker)
    )


@routes.post(TICKET + "/complete", returns=schemas.Ticket, path_types=TICKET_ID, tags=TAGS)
async def complete_ticket(request: Request[None, None]) -> schemas.Ticket:
    """Give the turn back to the responder."""
    ticket_id = fields.path_id(request, "ticket_id")
    return render_ticket(await tickets.complete(request.engine, require_writer(request), ticket_id))
