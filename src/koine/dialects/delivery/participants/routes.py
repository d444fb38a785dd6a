"""The requests for participants and read marks (delivery.md, Neighbours)."""

from koine.dialects.delivery.parsing import optional_id, path_id
from koine.dialects.delivery.participants import schemas
from koine.dialects.delivery.schemas import Common
from koine.dialects.delivery.translations import translate
from koine.engine.conversations import participants
from koine.engine.conversations.participants import ParticipantResult
from koine.http.request import Request, Response
from koine.http.route import Routes
from koine.model.ids import parse_id

routes = Routes()

CONVERSATION = "/messaging/conversations/{conversation_id}"
_DONE = {"add": "Participant added", "remove": "Participant removed"}
_MESSAGES = {
    "unknown": "User not found",
    "absent": "User is not a participant",
    "unchanged": "Already a participant",
}


@routes.put(
    f"{CONVERSATION}/participants",
    body=schemas.ChangeParticipants,
    query=Common,
    returns=schemas.MemberResults,
    other_statuses=(207,),
    path_types={"conversation_id": "uuid"},
    tags=("Conversations",),
)
async def change_participants(request: Request[schemas.ChangeParticipants, Common]) -> Response:
    """Add, remove or change participants; 207 if some of the changes failed (F).

    For the conversation's admins, `manage:tenant` and system administrators, while it is active.
    """
    body, language = request.body, request.query.language
    conversation_id = path_id(request.path["conversation_id"])
    user_ids = _user_ids(body.user_ids)
    engine, actor = request.engine, request.actor
    if body.action == "add":
        changed = await participants.add(engine, actor, conversation_id, user_ids, body.role)
    elif body.action == "remove":
        changed = await participants.remove(engine, actor, conversation_id, user_ids)
    else:
        changed = await participants.change(engine, actor, conversation_id, user_ids, body.role)
    done = _DONE.get(body.action, "Participant updated")
    results = [_result(each, done, language) for each in changed]
    success = all(each.success for each in results)
    text = (
        "Participants updated successfully" if success else "Some participants could not be updated"
    )
    return Response(
        schemas.MemberResults(success, translate(text, language), results), 200 if success else 207
    )


@routes.put(
    f"{CONVERSATION}/read-status",
    query=schemas.ReadStatus,
    returns=schemas.Done,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def set_read_status(request: Request[None, schemas.ReadStatus]) -> schemas.Done:
    """Move the caller's last read message forward, as a participant who has not left (F)."""
    query = request.query
    conversation_id = path_id(request.path["conversation_id"])
    message_id = optional_id("message_id", query.message_id)
    await participants.mark_read(request.engine, request.actor, conversation_id, message_id)
    return schemas.Done(True, translate("Read status updated successfully", query.language))


def _result(result: ParticipantResult, done: str, language: str | None) -> schemas.MemberResult:
    text = _MESSAGES.get(result.what, done)
    success = result.what not in ("unknown", "absent")
    return schemas.MemberResult(result.user_id, success, translate(text, language))


def _user_ids(requested: list[str]) -> list[str]:
    """The ids of the users, each once."""
    ids = [parse_id(f"user_ids.{number}", each) for number, each in enumerate(requested)]
    return list(dict.fromkeys(ids))
