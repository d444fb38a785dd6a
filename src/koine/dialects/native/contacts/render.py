"""From an identity to a contact of the API. Pure."""

from koine.dialects.native import fields
from koine.dialects.native.contacts import schemas
from koine.engine.people.identifier_claims import claims_of, unverified
from koine.kit.times import iso_ms
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox


def render_contact(i: Identity, contact_inbox: ContactInbox | None = None) -> schemas.Contact:
    """A contact; with its contact inbox in the response that creates both."""
    return schemas.Contact(
        id=i.id,
        number=i.number,
        name=i.name,
        first_name=i.first_name,
        last_name=i.last_name,
        email=i.email,
        phone=i.phone,
        identifier=i.identifier,
        avatar_url=i.avatar_url,
        company=i.company,
        job_title=i.job_title,
        location=i.location,
        country_code=i.country_code,
        blocked=i.blocked,
        labels=fields.raw_json(i.labels),
        custom_attributes=fields.render_attributes(i.custom_attributes),
        additional_attributes=fields.render_attributes(i.additional_attributes),
        unverified=unverified(i),
        claims=_claims(i),
        last_activity_at=fields.render_time(i.last_activity_at),
        created_at=iso_ms(i.created_at),
        updated_at=iso_ms(i.updated_at),
        place=_render_place(contact_inbox) if contact_inbox else None,
    )


def _render_place(c: ContactInbox) -> schemas.ContactInbox:
    return schemas.ContactInbox(c.inbox_id, c.source_id, c.pubsub_token)


def _claims(i: Identity) -> schemas.Claims:
    claimed = claims_of(i)
    return schemas.Claims([*claimed.emails], [*claimed.phones], [*claimed.identifiers])
