"""The survey after a conversation; its address is the conversation's uuid (inbox.md, F)."""

from koine.dialects.inbox.auth import survey_page
from koine.dialects.inbox.messages.render import submitted_values
from koine.dialects.inbox.survey import schemas
from koine.dialects.inbox.survey.render import render_survey
from koine.engine.conversations import messages, surveys
from koine.http.request import Request
from koine.http.route import PathType, Routes

SURVEY = "/public/api/v1/csat_survey/{survey}"
PATH_TYPES: dict[str, PathType] = {"survey": "uuid"}
TAGS = ("CSAT survey",)

routes = Routes()


@routes.get(
    SURVEY, returns=schemas.Survey, other_statuses=(403, 404, 429), path_types=PATH_TYPES, tags=TAGS
)
async def get_survey(request: Request[None, None]) -> schemas.Survey:
    """Get the survey of a conversation."""
    page = survey_page(request)
    return render_survey(page, page.message)


@routes.update(
    SURVEY,
    body=schemas.SurveyUpdate,
    returns=schemas.Survey,
    forms=True,
    other_statuses=(400, 403, 404, 422, 429),
    path_types=PATH_TYPES,
    tags=TAGS,
)
async def answer_survey(request: Request[schemas.SurveyUpdate, None]) -> schemas.Survey:
    """Answer the survey of a conversation."""
    page = survey_page(request)
    message = page.message
    surveys.check_open(message, request.engine.clock.now())
    values = submitted_values(
        request.body.message.submitted_values if request.body.message else None
    )
    if values is not None:
        message = await messages.submit_values(
            request.engine, page.actor, page.conversation.id, message.seq, values
        )
    return render_survey(page, message)
