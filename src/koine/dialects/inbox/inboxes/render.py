"""From the engine's inbox to that of the API. Pure."""

from koine.dialects.inbox.inboxes import schemas
from koine.engine.contacts.inboxes import inbox_settings
from koine.model.inbox import Inbox


def render_inbox(inbox: Inbox) -> schemas.Inbox:
    """The inbox with its settings or their defaults."""
    settings = inbox_settings(inbox)
    return schemas.Inbox(
        identifier=inbox.identifier,
        identity_validation_enabled=inbox.identity_required,
        name=inbox.name,
        timezone=settings.timezone,
        working_hours=settings.working_hours,
        working_hours_enabled=settings.working_hours_enabled,
        csat_survey_enabled=settings.csat_survey_enabled,
        greeting_enabled=settings.greeting_enabled,
    )
