"""The inbox itself, and its survey, on the wire."""

from typing import Literal

import msgspec
from msgspec import Struct

from koine.dialects.inbox.bodies import Rating
from koine.engine.contacts.inboxes import settings_of
from koine.engine.conversations.surveys import SurveyPage as SurveyNoun
from koine.kit.times import iso_ms
from koine.model.inbox import Inbox as InboxNoun
from koine.model.inbox import WorkingDay
from koine.model.message import Message


class Inbox(Struct):
    """What a client may know of an inbox (F)."""

    identifier: str
    identity_validation_enabled: bool
    name: str
    timezone: str
    working_hours: tuple[WorkingDay, ...]
    working_hours_enabled: bool
    csat_survey_enabled: bool
    greeting_enabled: bool


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


class _Submitted(Struct):
    csat_survey_response: Rating | None = None


class _Answered(Struct):
    submitted_values: _Submitted | list[_Submitted] | None = None


def inbox(of: InboxNoun) -> Inbox:
    """The inbox with its settings or their defaults."""
    settings = settings_of(of)
    return Inbox(
        identifier=of.identifier,
        identity_validation_enabled=of.identity_required,
        name=of.name,
        timezone=settings.timezone,
        working_hours=settings.working_hours,
        working_hours_enabled=settings.working_hours_enabled,
        csat_survey_enabled=settings.csat_survey_enabled,
        greeting_enabled=settings.greeting_enabled,
    )


def survey(of: SurveyNoun, message: Message) -> Survey:
    """The survey as its message now stands."""
    settings = settings_of(of.inbox)
    return Survey(
        id=message.number,
        csat_survey_response=_response(message),
        display_type="emoji",
        content=message.content,
        inbox_avatar_url=settings.avatar_url,
        inbox_name=of.inbox.name,
        locale=settings.locale,
        conversation_id=of.conversation.number,
        created_at=iso_ms(message.created_at),
    )


def _response(message: Message) -> Rating | None:
    submitted = msgspec.json.decode(message.content_attributes, type=_Answered).submitted_values
    if isinstance(submitted, list):
        answers = (each.csat_survey_response for each in submitted)
        return next(filter(None, answers), None)
    return submitted.csat_survey_response if submitted else None
