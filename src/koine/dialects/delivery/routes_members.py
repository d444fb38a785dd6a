"""Who takes part in a conversation, and how far they have read (delivery.md, Neighbours)."""

from koine.dialects.delivery import checks, wire
from koine.dialects.delivery.texts import translate
from koine.engine.conversations import participants
from koine.engine.conversations.participants import ParticipantResult
from koine.http.request import Request, Response
from koine.http.route import Routes

routes = Routes()

ONE = "/messaging/conversations/{conversation_id}"

_DONE = {"add": "Participant added", "remove": "Participant removed"}
_OUTCOMES = {
    "unknown": "User not found",
    "absent": "User is not a participant",
    "unchanged": "Already a participant",
}


@routes.put(
    f"{ONE}/participants",
    body=wire.ChangeParticipants,
    query=wire.Common,
    returns=wire.MemberResults,
    other_statuses=(207,),
    path_types={"conversation_id": "uuid"},
    tags=("Conversations",),
)
async def change_participants(call: Request[wire.ChangeParticipants, wire.Common]) -> Response:
    """Add, remove or change participants; 207 when some could not be (F).

    For the conversation's admins, `manage:tenant` and system administrators, while it is active.
    """
    body, language = call.body, call.query.language
    conversation_id = checks.path_id(call.path["conversation_id"])
    wanted = checks._user_ids(body.user_ids)
    engine, actor = call.engine, call.actor
    if body.action == "add":
        outcomes = await participants.add(engine, actor, conversation_id, wanted, body.role)
    elif body.action == "remove":
        outcomes = await participants.remove(engine, actor, conversation_id, wanted)
    else:
        outcomes = await participants.update(engine, actor, conversation_id, wanted, body.role)
    done = _DONE.get(body.action, "Participant updated")
    results = [_result(each, done, language) for each in outcomes]
    success = all(each.success for each in results)
    text = (
        "Participants updated successfully" if success else "Some participants could not be updated"
    )
    return Response(
        wire.MemberResults(success, translate(text, language), results), 200 if success else 207
    )


@routes.put(
    f"{ONE}/read-status",
    query=wire.ReadStatus,
    returns=wire.Done,
    path_types={"conversation_id": "uuid"},
    tags=("Messages",),
)
async def set_read_status(call: Request[None, wire.ReadStatus]) -> wire.Done:
    """Move the caller's last read message forward, as a participant who has not left (F)."""
    query = call.query
    conversation_id = checks.path_id(call.path["conversation_id"])
    message_id = checks.optional_id("message_id", query.message_id)
    await participants.read(call.engine, call.actor, conversation_id, message_id)
    return wire.Done(True, translate("Read status updated successfully", query.language))


def _result(outcome: ParticipantResult, done: str, language: str | None) -> wire.MemberResult:
    text = _OUTCOMES.get(outcome.what, done)
    success = outcome.what not in ("unknown", "absent")
    return wire.MemberResult(outcome.user_id, success, translate(text, language))
