"""The participants of a conversation, and how far each has read."""

from koine.dialects.native import fields, pagination
from koine.dialects.native.auth import require_reader, require_writer
from koine.dialects.native.participants import schemas
from koine.dialects.native.participants.render import render_participant
from koine.dialects.native.schemas import PageQuery
from koine.engine.conversations import conversations, participants
from koine.engine.conversations.participants import ParticipantResult
from koine.http.request import AnyRequest, Request, Response
from koine.http.route import PathType, Routes
from koine.model.errors import Invalid, NotFound
from koine.model.ids import parse_id
from koine.model.related import Include

CONVERSATION = "/v1/conversations/{conversation_id}"
PARTICIPANTS = CONVERSATION + "/participants"
PARTICIPANT = PARTICIPANTS + "/{identity_id}"
TAGS = ("Participants",)
ONE: dict[str, PathType] = {"conversation_id": "uuid"}
TWO: dict[str, PathType] = ONE | {"identity_id": "uuid"}
INCLUDE: frozenset[Include] = frozenset({"participants"})

routes = Routes()


@routes.get(PARTICIPANTS, query=PageQuery, returns=schemas.Participants, path_types=ONE, tags=TAGS)
async def list_participants(request: Request[None, PageQuery]) -> schemas.Participants:
    """List present and former participants, in the order they joined."""
    conversation_id = fields.path_id(request, "conversation_id")
    window = pagination.parse_window(request.query)
    found = await conversations.get(
        request.engine, require_reader(request), conversation_id, INCLUDE
    )
    everyone = found.related.participants[found.one.id]
    page = pagination.slice_page(everyone, window, lambda each: (each.joined_at, each.identity_id))
    return pagination.render_page(schemas.Participants, page, render_participant)


@routes.post(
    PARTICIPANTS,
    body=schemas.AddParticipant,
    returns=schemas.Participant,
    status=201,
    other_statuses=(200,),
    path_types=ONE,
    tags=TAGS,
)
async def add_participant(request: Request[schemas.AddParticipant, None]) -> Response:
    """Add a participant (201). A present participant keeps its role (200)."""
    conversation_id = fields.path_id(request, "conversation_id")
    identity_id = parse_id("identity_id", request.body.identity_id)
    (result,) = await participants.add(
        request.engine, require_writer(request), conversation_id, [identity_id], request.body.role
    )
    if result.what == "unknown":
        raise Invalid("identity_id", "unknown", "no such person in the tenant")
    rendered = await _participant(request, conversation_id, identity_id)
    return Response(rendered, 201 if result.what == "done" else 200)


@routes.patch(
    PARTICIPANT,
    body=schemas.ChangeParticipant,
    returns=schemas.Participant,
    path_types=TWO,
    tags=TAGS,
)
async def change_participant(
    request: Request[schemas.ChangeParticipant, None],
) -> schemas.Participant:
    """Give a participant another role."""
    conversation_id = fields.path_id(request, "conversation_id")
    identity_id = fields.path_id(request, "identity_id")
    results = await participants.change(
        request.engine, require_writer(request), conversation_id, [identity_id], request.body.role
    )
    _check_done(results)
    return await _participant(request, conversation_id, identity_id)


@routes.delete(PARTICIPANT, status=204, path_types=TWO, tags=TAGS)
async def remove_participant(request: Request[None, None]) -> None:
    """Remove a participant; its messages stay."""
    conversation_id = fields.path_id(request, "conversation_id")
    actor, identity_id = require_writer(request), fields.path_id(request, "identity_id")
    results = await participants.remove(request.engine, actor, conversation_id, [identity_id])
    _check_done(results)


@routes.post(
    CONVERSATION + "/read",
    body=schemas.MarkRead,
    returns=schemas.MarkReadResult,
    path_types=ONE,
    tags=TAGS,
)
async def mark_read(request: Request[schemas.MarkRead, None]) -> schemas.MarkReadResult:
    """Move the read mark of the caller, who is a participant."""
    conversation_id = fields.path_id(request, "conversation_id")
    message_id = fields.parse_optional_id("message_id", request.body.message_id)
    moved = await participants.mark_read(
        request.engine, require_reader(request), conversation_id, message_id
    )
    return schemas.MarkReadResult(moved)


def _check_done(results: list[ParticipantResult]) -> None:
    if any(each.what == "absent" for each in results):
        raise NotFound("participant")


async def _participant(
    request: AnyRequest, conversation_id: str, identity_id: str
) -> schemas.Participant:
    found = await participants.get(request.engine, request.actor, conversation_id, identity_id)
    return render_participant(found)
