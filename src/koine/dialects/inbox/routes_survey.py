"""The survey after a conversation; its address is the conversation's uuid (inbox.md, F)."""

from koine.dialects.inbox import wire_inbox
from koine.dialects.inbox.auth import survey_of
from koine.dialects.inbox.bodies import SurveyUpdate, submitted
from koine.dialects.inbox.wire_inbox import Survey
from koine.engine.conversations import messages, surveys
from koine.http.request import Request
from koine.http.route import PathType, Routes

routes = Routes()
SURVEY = "/public/api/v1/csat_survey/{survey}"
TYPES: dict[str, PathType] = {"survey": "uuid"}


@routes.get(
    SURVEY, returns=Survey, other_statuses=(404, 429), path_types=TYPES, tags=("CSAT survey",)
)
async def get_survey(call: Request[None, None]) -> Survey:
    """Get the survey of a conversation."""
    found = survey_of(call)
    return wire_inbox.survey(found, found.message)


@routes.update(
    SURVEY,
    body=SurveyUpdate,
    returns=Survey,
    forms=True,
    other_statuses=(400, 403, 404, 422, 429),
    path_types=TYPES,
    tags=("CSAT survey",),
)
async def answer_survey(call: Request[SurveyUpdate, None]) -> Survey:
    """Answer the survey of a conversation."""
    found = survey_of(call)
    surveys.check_open(found.message, call.engine.clock.now())
    message = found.message
    values = submitted(call.body.message.submitted_values if call.body.message else None)
    if values is not None:
        message = await messages.submit_values(
            call.engine, found.actor, found.conversation.id, message.seq, values
        )
    return wire_inbox.survey(found, message)
