"""The type of an inbox."""

from msgspec import Struct

from koine.model.inbox import WorkingDay


class Inbox(Struct):
    """The public data of an inbox (F)."""

    identifier: str
    identity_validation_enabled: bool
    name: str
    timezone: str
    working_hours: tuple[WorkingDay, ...]
    working_hours_enabled: bool
    csat_survey_enabled: bool
    greeting_enabled: bool
