"""From the engine's nouns to the wire's shapes. Pure; run fifty times for a page of a list."""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from koine.dialects.helpdesk import wire
from koine.engine.people.identifier_claims import claims_of, unverified
from koine.kit.times import iso_ms
from koine.model import conversation as talk
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.inbox import Inbox
from koine.model.message import Attachment, Message

CHANNELS: Mapping[str | None, wire.Channel] = {
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
"""What the channels of other dialects are called here (D)."""
SOURCES: Mapping[str, wire.Source] = {"widget": "widget", "phone": "phone", "email": "email"}
STATUSES: Mapping[talk.Status, wire.Status] = {
    "open": "open",
    "pending": "pending",
    "snoozed": "pending",
    "closed": "closed",
}
STATUSES_FOUND_BY: Mapping[wire.Status, tuple[talk.Status, ...]] = {
    "open": ("open",),
    "pending": ("pending", "snoozed"),
    "closed": ("closed",),
}
"""What each status here finds: a snoozed conversation shows as pending, so pending finds it."""

_labels = msgspec.json.Decoder(list[str])
_attachments = msgspec.json.Decoder(list[Attachment])


def render_conversation(c: talk.Conversation, people: Mapping[str, Identity]) -> wire.Conversation:
    """One conversation, its owner and assignee taken from `people`."""
    owner = people.get(c.owner_id) if c.owner_id else None
    worker = people.get(c.assignee_id) if c.assignee_id else None
    return wire.Conversation(
        c.id,
        c.title or f"Conversation #{c.number}",
        STATUSES[c.status],
        c.priority or "medium",
        render_customer(owner) if owner else None,
        render_assignee(worker) if worker else None,
        c.inbox_id,
        CHANNELS.get(c.channel, "chat"),
        _source(c),
        _labels.decode(c.labels),
        iso_ms(c.created_at),
        iso_ms(c.updated_at),
    )


def _source(c: talk.Conversation) -> wire.Source:
    """Where a conversation came from: as it is stored, a widget's by its channel, else `api`."""
    if c.channel == "widget":
        return "widget"
    return SOURCES.get(c.source, "api")


def render_customer(person: Identity) -> wire.Customer:
    """The owner, be it a contact or a user. One known by a single name shows it as the first."""
    first, last = _names(person)
    profile = wire.Profile(
        first, last, person.email, person.phone, person.company, person.job_title
    )
    claims = UNSET if person.claims == "{}" else _claims(person)
    return wire.Customer(person.id, profile, unverified(person) or UNSET, claims)


def _claims(person: Identity) -> wire.Claims:
    claimed = claims_of(person)
    return wire.Claims([*claimed.emails], [*claimed.phones], [*claimed.identifiers])


def render_assignee(person: Identity) -> wire.Assignee:
    """The user a conversation is assigned to."""
    first, last = _names(person)
    return wire.Assignee(person.id, first, last, display_name(person), person.email)


def render_user(person: Identity) -> wire.User:
    """One user of the tenant."""
    first, last = _names(person)
    return wire.User(person.id, first, last, display_name(person), person.email, person.role)


def render_inbox(found: Inbox) -> wire.Inbox:
    """One inbox of the tenant."""
    return wire.Inbox(
        found.id, found.name, CHANNELS.get(found.channel_type, "chat"), iso_ms(found.created_at)
    )


def render_message(m: Message) -> wire.Message:
    """One message."""
    return wire.Message(
        m.id,
        m.conversation_id,
        m.content or "",
        "inbound" if _from_customer(m) else "outbound",
        m.private,
        _sender(m),
        _files(m),
        iso_ms(m.created_at),
    )


def _from_customer(m: Message) -> bool:
    """From a contact, or a user without a role (contracts/README.md: a customer)."""
    if m.sender_kind == "user":
        return m.sender_id is not None and m.sender_role is None
    return m.sender_kind == "contact"


def _sender(m: Message) -> wire.Sender | None:
    if m.sender_id is None:
        return None
    if m.sender_kind == "responder":
        return wire.Sender(m.sender_id, "agent", m.sender_name)
    return wire.Sender(m.sender_id, "customer" if _from_customer(m) else "user", m.sender_name)


def _files(m: Message) -> list[wire.Attachment]:
    if m.attachments is None:
        return []
    files = _attachments.decode(m.attachments)
    return [wire.Attachment(f.id, f.name, f.content_type, f.size) for f in files]


def _names(person: Identity) -> tuple[str | None, str | None]:
    if person.first_name is None and person.last_name is None:
        return person.name, None
    return person.first_name, person.last_name
