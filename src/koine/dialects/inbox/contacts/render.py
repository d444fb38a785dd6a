"""From the engine's contacts, users and responders to those of the API. Pure.

Of a contact only what its own client sent is shown, and what the inbox opts in to: the tenant
writes notes into custom attributes and labels too, and this API has no credential (inbox.md, D).
"""

from functools import cached_property

import msgspec
from msgspec import UNSET, Struct, UnsetType

from koine.dialects.inbox.contacts import schemas
from koine.engine.contacts import rules
from koine.engine.contacts.callers import ContactCaller
from koine.engine.contacts.inboxes import inbox_settings
from koine.engine.core import attributes
from koine.engine.people.identifier_claims import unverified
from koine.kit.times import iso_ms
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox, Inbox, InboxSettings
from koine.model.message import Message
from koine.model.tenant import Tenant

MAX_SENDER_BYTES = 4096
"""Encoded attributes that each message of a contact repeats at most."""


class View(Struct, frozen=True, dict=True):
    """For whom something is rendered: the tenant, the inbox, the contact who reads (None for a
    webhook: the tenant reads), and the URL below which files are fetched."""

    tenant: Tenant
    inbox: Inbox
    contact: Identity | None
    base_url: str

    # A list repeats the reader with every conversation and message: rendered once.

    @cached_property
    def reader_record(self) -> schemas.ContactRecord:
        """The whole record of the contact who reads."""
        assert self.contact is not None
        return render_record(self.tenant, self.inbox, self.contact)

    @cached_property
    def reader_sender(self) -> schemas.ContactSender:
        """The contact who reads, as the sender of a message."""
        assert self.contact is not None
        return _bounded(render_sender(self.inbox, self.contact))


def contact_view(caller: ContactCaller, base_url: str) -> View:
    """The view of the contact who calls."""
    return View(caller.tenant, caller.inbox, caller.public_contact, base_url)


def render_created(contact_inbox: ContactInbox, contact: Identity) -> schemas.ContactCreated:
    """The contact with its tokens at an inbox."""
    return schemas.ContactCreated(
        source_id=contact_inbox.source_id,
        pubsub_token=contact_inbox.pubsub_token,
        id=contact.number,
        name=display_name(contact),
        email=contact.email,
        phone_number=contact.phone,
    )


def render_record(tenant: Tenant, inbox: Inbox, contact: Identity) -> schemas.ContactRecord:
    """The contact as this inbox may show it."""
    settings = inbox_settings(inbox)
    last_seen = contact.last_activity_at
    return schemas.ContactRecord(
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
        custom_attributes=_custom_attributes(contact, settings),
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


def render_sender(inbox: Inbox, contact: Identity) -> schemas.ContactSender:
    """The contact as the sender of a message, with all its attributes."""
    settings = inbox_settings(inbox)
    return schemas.ContactSender(
        additional_attributes=attributes.only_named(
            contact.additional_attributes, settings.public_attributes
        ),
        custom_attributes=_custom_attributes(contact, settings),
        email=contact.email,
        id=contact.number,
        identifier=contact.identifier,
        name=display_name(contact),
        phone_number=contact.phone,
        thumbnail=contact.avatar_url or "",
        blocked=contact.blocked,
    )


def render_sender_for_tenant(inbox: Inbox, contact: Identity) -> schemas.ContactSender:
    """The contact in a webhook: with the names of its unverified values."""
    sender = render_sender(inbox, contact)
    sender.unverified = unverified(contact) or UNSET
    return sender


def render_message_sender(
    view: View, m: Message, people: dict[str, Identity]
) -> schemas.ContactSender | schemas.AgentSender | schemas.BotSender | UnsetType:
    """Who sent a message; `people` may hold its sender. Absent where the server itself did."""
    if m.sender_kind == "system" or m.sender_id is None:
        return UNSET
    if m.sender_kind == "responder":
        return _bot(m)
    if m.sender_kind != "contact":
        return _agent(m)
    sender = people.get(m.sender_id)
    if view.contact is None:
        return UNSET if sender is None else _bounded(render_sender_for_tenant(view.inbox, sender))
    return view.reader_sender if m.sender_id == view.contact.id else _other_contact(sender)


def _bounded(sender: schemas.ContactSender) -> schemas.ContactSender:
    """A message repeats its sender's attributes only while they are small; the contact's record has
    them all (D)."""
    both = (sender.custom_attributes, sender.additional_attributes)
    if len(msgspec.json.encode(both)) <= MAX_SENDER_BYTES:
        return sender
    return msgspec.structs.replace(sender, custom_attributes={}, additional_attributes={})


def _other_contact(contact: Identity | None) -> schemas.ContactSender | UnsetType:
    """Another contact of the conversation: one contact is shown the other's name alone (D)."""
    if contact is None:
        return UNSET
    return schemas.ContactSender(
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


def _agent(m: Message) -> schemas.AgentSender:
    """A user as the sender of this message, without the email."""
    name, picture = m.sender_name or "", m.sender_avatar_url or ""
    return schemas.AgentSender(
        id=m.sender_number or 0,
        name=name,
        available_name=name,
        avatar_url=picture,
        availability_status="offline",
        thumbnail=picture,
    )


def _bot(m: Message) -> schemas.BotSender:
    """A responder as the sender of this message."""
    return schemas.BotSender(
        id=m.sender_number or 0,
        name=m.sender_name or "",
        avatar_url=m.sender_avatar_url or "",
    )


def _custom_attributes(contact: Identity, settings: InboxSettings) -> dict[str, object]:
    """Those that the contact's own client sent, and those that the inbox makes public."""
    given = rules.contact_settings(contact).given
    return attributes.only_named(contact.custom_attributes, (*given, *settings.public_attributes))
