"""Who takes part in a conversation, how far they have read, and tickets."""

from koine.dialects.native import cursors, shapes_talk, values
from koine.dialects.native import wire as common
from koine.dialects.native import wire_talk as wire
from koine.dialects.native.auth import reader, writer
from koine.engine.conversations import conversations, participants, tickets
from koine.engine.conversations.participants import ParticipantResult
from koine.http.request import AnyRequest, Request, Response
from koine.http.route import PathType, Routes
from koine.model.errors import Invalid, NotFound
from koine.model.related import Include

CONVERSATION = "/v1/conversations/{conversation_id}"
MEMBERS = CONVERSATION + "/participants"
MEMBER = MEMBERS + "/{identity_id}"
TICKET = "/v1/tickets/{ticket_id}"
MEMBERS_TAG = ("Participants",)
TICKETS_TAG = ("Tickets",)
ONE: dict[str, PathType] = {"conversation_id": "uuid"}
TWO: dict[str, PathType] = ONE | {"identity_id": "uuid"}
TICKET_ID: dict[str, PathType] = {"ticket_id": "uuid"}
AROUND: frozenset[Include] = frozenset({"participants"})

routes = Routes()


@routes.get(
    MEMBERS, query=common.PageQuery, returns=wire.Participants, path_types=ONE, tags=MEMBERS_TAG
)
async def list_participants(call: Request[None, common.PageQuery]) -> wire.Participants:
    """List who takes or took part, in the order they joined."""
    conversation_id = values.path_id(call, "conversation_id")
    window = cursors.window(call.query)
    found = await conversations.get(call.engine, reader(call), conversation_id, AROUND)
    everyone = found.related.participants[found.one.id]
    page = cursors.cut(everyone, window, lambda each: (each.joined_at, each.identity_id))
    return cursors.shown(wire.Participants, page, shapes_talk.participant)


@routes.post(
    MEMBERS,
    body=wire.Joining,
    returns=wire.Participant,
    status=201,
    other_statuses=(200,),
    path_types=ONE,
    tags=MEMBERS_TAG,
)
async def add_participant(call: Request[wire.Joining, None]) -> Response:
    """Make someone take part (201). One who does already keeps their role (200)."""
    conversation_id = values.path_id(call, "conversation_id")
    identity_id = values.id_("identity_id", call.body.identity_id)
    (outcome,) = await participants.add(
        call.engine, writer(call), conversation_id, [identity_id], call.body.role
    )
    if outcome.what == "unknown":
        raise Invalid("identity_id", "unknown", "no such person in the tenant")
    shown = await _participant(call, conversation_id, identity_id)
    return Response(shown, 201 if outcome.what == "done" else 200)


@routes.patch(
    MEMBER, body=wire.ChangeParticipant, returns=wire.Participant, path_types=TWO, tags=MEMBERS_TAG
)
async def change_participant(call: Request[wire.ChangeParticipant, None]) -> wire.Participant:
    """Give a participant another role."""
    conversation_id = values.path_id(call, "conversation_id")
    identity_id = values.path_id(call, "identity_id")
    outcomes = await participants.update(
        call.engine, writer(call), conversation_id, [identity_id], call.body.role
    )
    _check_done(outcomes)
    return await _participant(call, conversation_id, identity_id)


@routes.delete(MEMBER, status=204, path_types=TWO, tags=MEMBERS_TAG)
async def remove_participant(call: Request[None, None]) -> None:
    """End someone's part; what they said stays."""
    conversation_id = values.path_id(call, "conversation_id")
    actor, identity_id = writer(call), values.path_id(call, "identity_id")
    outcomes = await participants.remove(call.engine, actor, conversation_id, [identity_id])
    _check_done(outcomes)


@routes.post(
    CONVERSATION + "/read", body=wire.MarkRead, returns=wire.Read, path_types=ONE, tags=MEMBERS_TAG
)
async def mark_read(call: Request[wire.MarkRead, None]) -> wire.Read:
    """Say how far the caller, who takes part, has read."""
    conversation_id = values.path_id(call, "conversation_id")
    message_id = values.optional_id("message_id", call.body.message_id)
    moved = await participants.read(call.engine, reader(call), conversation_id, message_id)
    return wire.Read(moved)


@routes.post(
    CONVERSATION + "/tickets", returns=wire.Ticket, status=201, path_types=ONE, tags=TICKETS_TAG
)
async def open_ticket(call: Request[None, None]) -> wire.Ticket:
    """Hand a conversation off to people: its responder is silent from now on."""
    conversation_id = values.path_id(call, "conversation_id")
    return shapes_talk.ticket(await tickets.open_(call.engine, writer(call), conversation_id))


@routes.get(TICKET, returns=wire.Ticket, path_types=TICKET_ID, tags=TICKETS_TAG)
async def get_ticket(call: Request[None, None]) -> wire.Ticket:
    """Get one ticket."""
    ticket_id = values.path_id(call, "ticket_id")
    return shapes_talk.ticket(await tickets.get(call.engine, reader(call), ticket_id))


@routes.post(
    TICKET + "/take",
    body=wire.TakeTicket,
    returns=wire.Ticket,
    path_types=TICKET_ID,
    tags=TICKETS_TAG,
)
async def take_ticket(call: Request[wire.TakeTicket, None]) -> wire.Ticket:
    """Take a ticket and its conversation over, for oneself or another user."""
    ticket_id = values.path_id(call, "ticket_id")
    taker = values.optional_id("assignee_id", call.body.assignee_id) or call.actor.identity_id
    if taker is None:
        raise Invalid("assignee_id", "is required")
    return shapes_talk.ticket(await tickets.take(call.engine, writer(call), ticket_id, taker))


@routes.post(TICKET + "/complete", returns=wire.Ticket, path_types=TICKET_ID, tags=TICKETS_TAG)
async def complete_ticket(call: Request[None, None]) -> wire.Ticket:
    """Give the turn back to the responder."""
    ticket_id = values.path_id(call, "ticket_id")
    return shapes_talk.ticket(await tickets.complete(call.engine, writer(call), ticket_id))


def _check_done(outcomes: list[ParticipantResult]) -> None:
    if any(each.what == "absent" for each in outcomes):
        raise NotFound("participant")


async def _participant(
    call: AnyRequest, conversation_id: str, identity_id: str
) -> wire.Participant:
    found = await participants.get(call.engine, call.actor, conversation_id, identity_id)
    return shapes_talk.participant(found)
