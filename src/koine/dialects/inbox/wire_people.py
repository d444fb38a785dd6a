"""Contacts, agents and bots on the wire.

Of a contact only what it gave itself goes out, and what the inbox opts in to: the tenant writes
notes into custom attributes and labels too, and this API has no credential (inbox.md, D).
"""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from koine.engine.contacts import rules
from koine.engine.contacts.inboxes import settings_of
from koine.engine.core import attributes
from koine.engine.people.identifier_claims import unverified
from koine.kit.times import iso_ms
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox, Inbox, InboxSettings
from koine.model.message import Message
from koine.model.tenant import Tenant


class ContactCreated(Struct):
    """What a client needs to know of its contact (F: exactly these)."""

    source_id: str
    pubsub_token: str
    id: int
    name: str | None
    email: str | None
    phone_number: str | None


class ContactRecord(Struct):
    """The whole contact (inbox.md, S + F order)."""

    id: int
    name: str | None
    email: str | None
    phone_number: str | None
    account_id: int
    created_at: str
    updated_at: str
    additional_attributes: dict[str, object]
    identifier: str | None
    custom_attributes: dict[str, object]
    last_activity_at: str | None
    contact_type: str
    middle_name: str
    last_name: str
    location: str | None
    country_code: str | None
    blocked: bool
    company_id: int | None = None
    label_list: list[str] = []


class ContactSender(Struct, tag_field="type", tag="contact"):
    """A contact as the sender of a message (F). `unverified` names what only its own client gave:
    in webhooks, for those are the tenant's, and left out where there is nothing (D)."""

    additional_attributes: dict[str, object]
    custom_attributes: dict[str, object]
    email: str | None
    id: int
    identifier: str | None
    name: str | None
    phone_number: str | None
    thumbnail: str
    blocked: bool
    unverified: list[str] | UnsetType = UNSET


class AgentSender(Struct, tag_field="type", tag="user"):
    """One of the tenant's people as the sender of a message (F)."""

    id: int
    name: str
    available_name: str
    avatar_url: str
    availability_status: str
    thumbnail: str


class BotSender(Struct, tag_field="type", tag="agent_bot"):
    """A responder as the sender of a message (F)."""

    id: int
    name: str
    avatar_url: str


def contact_created(place: ContactInbox, contact: Identity) -> ContactCreated:
    """The contact in the place it was entered by."""
    return ContactCreated(
        source_id=place.source_id,
        pubsub_token=place.pubsub_token,
        id=contact.number,
        name=display_name(contact),
        email=contact.email,
        phone_number=contact.phone,
    )


def contact_record(tenant: Tenant, inbox: Inbox, contact: Identity) -> ContactRecord:
    """The contact as this inbox may show it."""
    settings = settings_of(inbox)
    last_seen = contact.last_activity_at
    return ContactRecord(
        id=contact.number,
        name=display_name(contact),
        email=contact.email,
        phone_number=contact.phone,
        account_id=tenant.number,
        created_at=iso_ms(contact.created_at),
        updated_at=iso_ms(contact.updated_at),
        additional_attributes=attributes.only_named(
            contact.additional_attributes, settings.public_attributes
        ),
        identifier=contact.identifier,
        custom_attributes=_own(contact, settings),
        last_activity_at=iso_ms(last_seen) if last_seen is not None else None,
        contact_type=contact_type(contact),
        middle_name="",
        last_name="",
        location=None,
        country_code=None,
        blocked=contact.blocked,
        label_list=msgspec.json.decode(contact.labels) if settings.public_labels else [],
    )


def contact_type(contact: Identity) -> str:
    """`lead` with an email or phone, else `visitor` (F); a user of the tenant is a `customer`."""
    if contact.kind == "user":
        return "customer"
    return "lead" if contact.email or contact.phone else "visitor"


def contact_sender(inbox: Inbox, contact: Identity) -> ContactSender:
    """The contact as the sender of a message."""
    settings = settings_of(inbox)
    return ContactSender(
        additional_attributes=attributes.only_named(
            contact.additional_attributes, settings.public_attributes
        ),
        custom_attributes=_own(contact, settings),
        email=contact.email,
        id=contact.number,
        identifier=contact.identifier,
        name=display_name(contact),
        phone_number=contact.phone,
        thumbnail=contact.avatar_url or "",
        blocked=contact.blocked,
    )


def sender_for_tenant(inbox: Inbox, contact: Identity) -> ContactSender:
    """The contact as a webhook tells of it: with what of it is unverified."""
    made = contact_sender(inbox, contact)
    made.unverified = unverified(contact) or UNSET
    return made


def other_sender(contact: Identity | None) -> ContactSender | UnsetType:
    """Another contact of the conversation, as one contact is shown another: by name alone (D)."""
    if contact is None:
        return UNSET
    return ContactSender(
        additional_attributes={},
        custom_attributes={},
        email=None,
        id=contact.number,
        identifier=None,
        name=display_name(contact),
        phone_number=None,
        thumbnail=contact.avatar_url or "",
        blocked=False,
    )


def agent_sender(m: Message) -> AgentSender:
    """A person as the sender of this message; never their email."""
    name, picture = m.sender_name or "", m.sender_avatar_url or ""
    return AgentSender(
        id=m.sender_number or 0,
        name=name,
        available_name=name,
        avatar_url=picture,
        availability_status="offline",
        thumbnail=picture,
    )


def bot_sender(m: Message) -> BotSender:
    """A responder as the sender of this message."""
    return BotSender(
        id=m.sender_number or 0,
        name=m.sender_name or "",
        avatar_url=m.sender_avatar_url or "",
    )


def _own(contact: Identity, settings: InboxSettings) -> dict[str, object]:
    given = rules.settings_of(contact).given
    return attributes.only_named(contact.custom_attributes, (*given, *settings.public_attributes))
