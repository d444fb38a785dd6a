"""The engine's inboxes and identities as this dialect's."""

from collections.abc import Mapping

from msgspec import UNSET

from koine.dialects.helpdesk.directory import schemas
from koine.engine.people.identifier_claims import claims_of, unverified
from koine.kit.times import iso_ms
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.inbox import Inbox

CHANNELS: Mapping[str | None, schemas.Channel] = {
    None: "chat",
    "email": "email",
    "chat": "chat",
    "phone": "phone",
    "whatsapp": "whatsapp",
    "waha": "whatsapp",
    "widget": "chat",
    "api": "chat",
    "instagram": "chat",
}
"""This dialect's channel for each channel of the engine (D)."""


def render_customer(person: Identity) -> schemas.Customer:
    """A conversation's owner, a contact or a user. A single name is shown as the first name."""
    first, last = _names(person)
    profile = schemas.Profile(
        first, last, person.email, person.phone, person.company, person.job_title
    )
    claims = UNSET if person.claims == "{}" else _claims(person)
    return schemas.Customer(person.id, profile, unverified(person) or UNSET, claims)


def _claims(person: Identity) -> schemas.Claims:
    claimed = claims_of(person)
    return schemas.Claims([*claimed.emails], [*claimed.phones], [*claimed.identifiers])


def render_assignee(person: Identity) -> schemas.Assignee:
    """The user a conversation is assigned to."""
    first, last = _names(person)
    return schemas.Assignee(person.id, first, last, display_name(person), person.email)


def render_user(person: Identity) -> schemas.User:
    """One user of the tenant."""
    first, last = _names(person)
    return schemas.User(person.id, first, last, display_name(person), person.email, person.role)


def render_inbox(found: Inbox) -> schemas.Inbox:
    """One inbox of the tenant."""
    return schemas.Inbox(
        found.id, found.name, CHANNELS.get(found.channel_type, "chat"), iso_ms(found.created_at)
    )


def _names(person: Identity) -> tuple[str | None, str | None]:
    if person.first_name is None and person.last_name is None:
        return person.name, None
    return person.first_name, person.last_name
