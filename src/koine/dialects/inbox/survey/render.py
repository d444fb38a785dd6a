"""From the engine's survey to that of the API. Pure."""

import msgspec
from msgspec import Struct

from koine.dialects.inbox.messages.schemas import Rating
from koine.dialects.inbox.survey import schemas
from koine.engine.contacts.inboxes import inbox_settings
from koine.engine.conversations.surveys import SurveyPage
from koine.kit.times import iso_ms
from koine.model.message import Message


class _SubmittedValue(Struct):
    csat_survey_response: Rating | None = None


class _ContentAttributes(Struct):
    submitted_values: _SubmittedValue | list[_SubmittedValue] | None = None


def render_survey(page: SurveyPage, message: Message) -> schemas.Survey:
    """The survey with the answer that its message holds now."""
    settings = inbox_settings(page.inbox)
    return schemas.Survey(
        id=message.number,
        csat_survey_response=_response(message),
        display_type="emoji",
        content=message.content,
        inbox_avatar_url=settings.avatar_url,
        inbox_name=page.inbox.name,
        locale=settings.locale,
        conversation_id=page.conversation.number,
        created_at=iso_ms(message.created_at),
    )


def _response(message: Message) -> Rating | None:
    stored = msgspec.json.decode(message.content_attributes, type=_ContentAttributes)
    values = stored.submitted_values
    if isinstance(values, list):
        return next(filter(None, (each.csat_survey_response for each in values)), None)
    return values.csat_survey_response if values else None
