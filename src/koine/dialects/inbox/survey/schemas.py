"""The types of the survey."""

from typing import Literal

from msgspec import Struct

from koine.dialects.inbox.messages.schemas import Rating, SubmittedValue


class SurveyMessage(Struct):
    """The survey's part of a message update."""

    submitted_values: SubmittedValue | None = None


class SurveyUpdate(Struct):
    """The answer to a survey."""

    message: SurveyMessage | None = None


class Survey(Struct):
    """A survey and its answer, null until there is one (F)."""

    id: int
    csat_survey_response: Rating | None
    display_type: Literal["emoji"]
    content: str | None
    inbox_avatar_url: str
    inbox_name: str
    locale: str
    conversation_id: int
    created_at: str
