"""Contacts, created and changed by their own client (inbox.md).

The inbox's public identifier and the contact's source id are all that a client needs (F). They say
which contact inbox calls and not who the person is: that takes proof, or an inbox that trusts its
clients (D, rights.py). What the tenant itself does with contacts is in people/directory.py.
"""

import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from koine.engine.contacts import merge, rights
from koine.engine.contacts.callers import (
    ContactCaller,
    check_hash,
    is_proven_anywhere_tx,
    no_budget,
    remember_proof_tx,
    with_contact_tx,
)
from koine.engine.contacts.rules import (
    ContactInput,
    ContactSettings,
    check_attributes,
    check_person,
    contact_settings,
    random_name,
)
from koine.engine.core import attributes
from koine.engine.core.engine import Engine
from koine.engine.core.recorder import record_event
from koine.engine.people import directory, identifier_claims
from koine.engine.people.identifier_claims import Field, TakeOver
from koine.kit.json import json_text
from koine.kit.tokens import random_token
from koine.model.actor import Actor
from koine.model.identity import Identity, NewIdentity
from koine.model.inbox import ContactInbox, ContactInboxOrigin, ContactInboxValues
from koine.store import number_sequences
from koine.store.contacts import inboxes
from koine.store.core.db import Duplicate, Tx
from koine.store.people import identities

_GIVEN: dict[Field, str] = {"identifier": "identifier", "email": "email", "phone": "phone_number"}


async def create(
    engine: Engine,
    caller: ContactCaller,
    given: ContactInput,
    admit: Callable[[], None] = no_budget,
) -> ContactCaller:
    """Find or create the contact and its contact inbox (inbox.md, F, rules 1 to 7; D: an existing
    contact is only found with proof, or where the inbox trusts its clients). `admit` is called
    before a contact is created, and may refuse.

    Raises Unauthenticated for an identity hash, InvalidFields, Invalid("custom_attributes").
    """
    given = _without_blanks(given)
    check_person(_checked(given))
    check_attributes(given.custom_attributes)
    required = caller.must_prove_identity
    check_hash(caller, given.identifier, given.identifier_hash, required=required)
    source_id = given.source_id or _random_id()
    work = (caller, structs.replace(given, source_id=source_id), admit)
    try:
        return await engine.db.write(caller.tenant.id, _create, engine.clock.now(), *work)
    except Duplicate:
        # Another request created the same contact or contact inbox just now: this time it is found.
        return await engine.db.write(caller.tenant.id, _create, engine.clock.now(), *work)


async def change(
    engine: Engine, actor: Actor, caller: ContactCaller, given: ContactInput
) -> ContactCaller:
    """Change the contact, as far as its contact inbox may; other values are stored as claims.
    Merges it into another contact where inbox.md allows (merge.py), and returns the caller with
    the contact that it then is. Raises InvalidFields, Invalid, NotFound."""
    given = _without_blanks(given)
    check_person(_checked(given))
    check_attributes(given.custom_attributes)
    now = engine.clock.now()
    return await engine.db.write(caller.tenant.id, _change, now, actor, caller, given)


async def _create(
    tx: Tx, now: int, caller: ContactCaller, given: ContactInput, admit: Callable[[], None]
) -> ContactCaller:
    contact_inbox = await inboxes.get_contact_inbox(tx, caller.inbox.id, given.source_id or "")
    contact = await identities.get(tx, contact_inbox.contact_id) if contact_inbox else None
    if contact_inbox is not None and contact is not None and contact.removed_at is None:
        return await _existing(tx, now, caller, (contact_inbox, contact), given)
    # The source id of a removed contact is free: its client gets a new contact.
    is_new = contact_inbox is None
    contact = await _find_contact(tx, caller, given)
    if contact is None:
        admit()
        # Taking a number locks the counter, so that contacts are created one after another: a
        # contact that a concurrent request created is visible from here on.
        await number_sequences.next_number(tx, "contact")
        contact = await _find_contact(tx, caller, given)
    if contact is None:
        contact, given = await _create_contact(tx, now, caller, given)
        contact_inbox = _new_contact_inbox(now, caller, contact, given, "contact")
    else:
        await _claim(tx, now, contact, _values(given))
        contact_inbox = _new_contact_inbox(now, caller, contact, given, "joined")
    await (inboxes.insert_contact_inbox if is_new else inboxes.change_contact_inbox)(
        tx, contact_inbox
    )
    return await with_contact_tx(tx, caller, contact_inbox, contact)


async def _existing(
    tx: Tx,
    now: int,
    caller: ContactCaller,
    known: tuple[ContactInbox, Identity],
    given: ContactInput,
) -> ContactCaller:
    """The source id exists: its contact unchanged, if the request may use it (rule 1)."""
    contact_inbox, contact = known
    caller = await with_contact_tx(tx, caller, contact_inbox, contact)
    required = caller.must_prove_identity
    check_hash(caller, contact.identifier, given.identifier_hash, required=required)
    if given.identifier_hash and contact.identifier and not caller.rights.proven:
        return await remember_proof_tx(tx, now, caller, contact.identifier)
    return caller


async def _find_contact(tx: Tx, caller: ContactCaller, given: ContactInput) -> Identity | None:
    """The contact that the client proves to be. Where the inbox trusts its clients, also one with
    the given identifier, e-mail or phone (rule 2), unless its identifier was proven."""
    trusting = rights.is_trusting(caller.inbox)
    for field, value in _values(given).items():
        proven = field == "identifier" and given.identifier_hash is not None
        if not (proven or trusting):
            continue
        for found in await identities.contacts_with(tx, field, value):
            if not identifier_claims.is_verified(found, field):
                break
            if proven or not await is_proven_anywhere_tx(tx, found):
                return found
    return None


async def _create_contact(
    tx: Tx, now: int, caller: ContactCaller, given: ContactInput
) -> tuple[Identity, ContactInput]:
    """A new contact with those of the given values that no other contact has; the rest are
    claims."""
    trusting, proven = rights.is_trusting(caller.inbox), bool(given.identifier_hash)
    given = structs.replace(given, name=given.name or random_name())
    takes: TakeOver = "unverified" if trusting or proven else "nobody"
    own: dict[str, Any] = {}
    claimed: dict[Field, str] = {}
    for field, value in _values(given).items():
        if await identifier_claims.release(tx, now, None, field, value, takes):
            own[field] = value
        else:
            claimed[field] = value
    new = NewIdentity(
        kind="contact",
        name=given.name,
        avatar_url=given.avatar_url,
        custom_attributes=json_text(given.custom_attributes),
        settings=json_text(ContactSettings(tuple(given.custom_attributes))),
        email_verified=trusting or "email" not in own,
        phone_verified=trusting or "phone" not in own,
        identifier_verified=trusting or proven or "identifier" not in own,
        **own,
    )
    contact = await directory.insert_tx(tx, now, new)
    if claimed:
        contact = await _claim(tx, now, contact, claimed)
    return contact, given


def _new_contact_inbox(
    now: int,
    caller: ContactCaller,
    contact: Identity,
    given: ContactInput,
    origin: ContactInboxOrigin,
) -> ContactInbox:
    proven = given.identifier if given.identifier_hash else None
    token = random_token(directory.PUBSUB_TOKEN_BYTES)
    said = json_text(_overlaid(ContactInboxValues(identifier=given.identifier), given))
    source_id = given.source_id or ""
    return ContactInbox(
        caller.inbox.id, contact.id, source_id, token,
        proof_required=bool(proven), proved_identifier=proven, origin=origin, given=said,
        created_at=now,
    )  # fmt: skip


async def _change(
    tx: Tx, now: int, actor: Actor, caller: ContactCaller, given: ContactInput
) -> ContactCaller:
    settled = await merge.decide_identifiers_tx(tx, now, actor, caller, given)
    contact_inbox, contact = settled.caller.contact_at_inbox
    # The values that the contact inbox gave so far; where none are stored, those of the contact
    # that it had before a merge.
    own = rights.values_given_by(contact_inbox, caller.contact_at_inbox[1])
    contact_inbox = structs.replace(contact_inbox, given=json_text(_overlaid(own, given)))
    await inboxes.change_contact_inbox(tx, contact_inbox)
    values: dict[str, Any] = dict(settled.written)
    if settled.caller.rights.changes:
        values |= {n: v for n in ("name", "avatar_url") if (v := getattr(given, n)) is not None}
        values |= _attributes(contact, given.custom_attributes)
    after = identifier_claims.with_claims(structs.replace(contact, **values), settled.claimed)
    if after != contact:
        after = structs.replace(after, updated_at=max(now, contact.updated_at + 1))
        await identities.change(tx, after)
        await record_event(tx, now, "identity.updated", after.id, what="contact")
    return await with_contact_tx(tx, caller, contact_inbox, after)


def _attributes(contact: Identity, new: Mapping[str, object]) -> dict[str, str]:
    if not new:
        return {}
    values = attributes.merged("custom_attributes", contact.custom_attributes, new)
    given = ContactSettings.of(values, (*contact_settings(contact).given, *new))
    return {"custom_attributes": json_text(values), "settings": json_text(given)}


async def _claim(tx: Tx, now: int, contact: Identity, claimed: Mapping[Field, str]) -> Identity:
    """Store what a client says of the contact as claims; its values stay."""
    locked = (await identities.lock(tx, [contact.id])).get(contact.id, contact)
    after = identifier_claims.with_claims(locked, claimed)
    if after != locked:
        after = structs.replace(after, updated_at=max(now, locked.updated_at + 1))
        await identities.change(tx, after)
        await record_event(tx, now, "identity.updated", after.id, what="contact")
    return after


def _values(given: ContactInput) -> dict[Field, str]:
    """The given values that identify a person."""
    pairs = ((field, getattr(given, name)) for field, name in _GIVEN.items())
    return {field: value for field, value in pairs if value}


def _overlaid(before: ContactInboxValues, given: ContactInput) -> ContactInboxValues:
    """The values that the contact inbox gave before, with the new ones over them; an update writes
    no identifier (F)."""
    names = ("name", "email", "phone_number", "avatar_url")
    new: dict[str, Any] = {name: getattr(given, name) or getattr(before, name) for name in names}
    values = attributes.merged(
        "custom_attributes", json_text(before.custom_attributes), given.custom_attributes
    )
    return structs.replace(before, custom_attributes=values, **new)


def _checked(given: ContactInput) -> dict[str, str | None]:
    names = ("source_id", "identifier", "email", "name", "avatar_url", "phone_number")
    return {name: getattr(given, name) for name in names}


def _without_blanks(given: ContactInput) -> ContactInput:
    """The input with blank texts as None, and the e-mail in lower case."""
    values: dict[str, Any] = structs.asdict(given)
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = value.strip() or None
    if values["email"]:
        values["email"] = values["email"].lower()
    return ContactInput(**values)


def _random_id() -> str:
    # All 128 bits are random: it is a secret first and a UUID only by its shape (inbox.md, D).
    return str(uuid.UUID(bytes=secrets.token_bytes(16)))
