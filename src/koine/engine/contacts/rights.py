"""What a contact inbox may see and change of its contact, for every operation (inbox.md, D).

A source id says which client calls and not who the person is. Only a valid identity hash proves
that, and only for the identifier that it was computed from.
"""

import msgspec
from msgspec import Struct, structs

from koine.engine.contacts.inboxes import inbox_settings
from koine.engine.contacts.rules import ContactSettings, contact_settings
from koine.engine.core.attributes import only_named
from koine.engine.people.identifier_claims import has_verified_identifier
from koine.kit.json import json_text
from koine.model.conversation import Conversation
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox, ContactInboxValues, Inbox


class ContactRights(Struct, frozen=True):
    """`proven`: the contact inbox proved the identifier that its contact has, and sees everything
    of the contact. `trusted`: its inbox trusts what its clients say. `reads`: it receives the
    contact's record, else only the values that it gave itself. `changes`: the values that it gives
    are written on the contact, else stored as claims."""

    proven: bool
    trusted: bool
    reads: bool
    changes: bool


def is_proven(contact_inbox: ContactInbox, contact: Identity) -> bool:
    """Whether the contact inbox proved the identifier that its contact has now."""
    return (
        has_verified_identifier(contact) and contact_inbox.proved_identifier == contact.identifier
    )


def rights(
    inbox: Inbox, contact_inbox: ContactInbox, contact: Identity, proven_elsewhere: bool
) -> ContactRights:
    """The rights of a contact inbox. Even an inbox that trusts its clients does not where the
    identifier was proven by another contact inbox (`proven_elsewhere`)."""
    proven = is_proven(contact_inbox, contact)
    trusted = is_trusting(inbox) and not proven_elsewhere
    own = contact_inbox.origin == "contact" and not has_verified_identifier(contact)
    return ContactRights(
        proven=proven,
        trusted=trusted,
        reads=proven
        or trusted
        or contact_inbox.origin == "tenant"
        or (own and contact_inbox.given is None),
        changes=proven or trusted or own,
    )


def is_trusting(inbox: Inbox) -> bool:
    """Whether the inbox trusts what its clients say of contacts."""
    return inbox_settings(inbox).contact_matching == "trusting"


def may_see_conversation(
    contact_inbox: ContactInbox, contact: Identity, found: Conversation
) -> bool:
    """Whether the contact inbox sees this conversation of its contact, if it is not removed: one
    that was opened through it, or with a proven identifier any."""
    if found.owner_id != contact.id:
        return False
    return opened_through(contact_inbox, found) or is_proven(contact_inbox, contact)


def may_own_new_conversation(contact_inbox: ContactInbox, contact: Identity) -> bool:
    """Whether a conversation that the tenant opens with the contact may appear at this contact
    inbox."""
    return contact_inbox.origin == "tenant" or is_proven(contact_inbox, contact)


def opened_through(contact_inbox: ContactInbox, found: Conversation) -> bool:
    """Whether the conversation was opened through this contact inbox."""
    return found.inbox_id == contact_inbox.inbox_id and found.source_id == contact_inbox.source_id


def values_given_by(contact_inbox: ContactInbox, contact: Identity) -> ContactInboxValues:
    """The values that this contact inbox's client gave of the contact. Rows from before these were
    stored stand for the contact's own values."""
    if contact_inbox.given is not None:
        return msgspec.json.decode(contact_inbox.given, type=ContactInboxValues)
    return ContactInboxValues(
        name=contact.name,
        email=contact.email,
        phone_number=contact.phone,
        identifier=contact.identifier,
        avatar_url=contact.avatar_url,
        custom_attributes=only_named(contact.custom_attributes, contact_settings(contact).given),
    )


def public_contact(
    inbox: Inbox, contact_inbox: ContactInbox, contact: Identity, may: ContactRights
) -> Identity:
    """The contact as the contact inbox may see it: its record, or only the values that it gave
    itself, and of its own contact also the attributes that the tenant made public. Values that it
    gave but may not write on the record replace those of the record."""
    if may.reads and (may.changes or contact_inbox.given is None):
        return contact
    given, public = values_given_by(contact_inbox, contact), inbox_settings(inbox).public_attributes
    if may.reads:
        names = contact_settings(contact).given
        under, visible = contact, only_named(contact.custom_attributes, names)
    else:
        under, visible = _blank(contact_inbox, contact, may.changes), {}
    if may.reads or may.changes:
        visible |= only_named(contact.custom_attributes, public)
    visible |= given.custom_attributes
    return structs.replace(
        under,
        name=given.name or under.name,
        email=given.email or under.email,
        phone=given.phone_number or under.phone,
        identifier=given.identifier or under.identifier,
        avatar_url=given.avatar_url or under.avatar_url,
        custom_attributes=json_text(visible),
        settings=json_text(ContactSettings(tuple(visible))),
    )


def _blank(contact_inbox: ContactInbox, contact: Identity, own: bool) -> Identity:
    """The contact without names and addresses; unless it is the contact inbox's own also without
    attributes, labels and times."""
    under = structs.replace(
        contact, name=None, first_name=None, last_name=None, email=None, phone=None,
        identifier=None, avatar_url=None,
    )  # fmt: skip
    if own:
        return under
    return structs.replace(
        under,
        additional_attributes="{}",
        labels="[]",
        blocked=False,
        created_at=contact_inbox.created_at,
        updated_at=contact_inbox.created_at,
        last_activity_at=None,
    )
