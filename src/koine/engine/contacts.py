"""Contacts at the public door: who comes in by which name, who they are, what they change.

The inbox's public identifier and the contact's source id are the whole authority (inbox.md, F); a
shown identity hash raises it, and is then asked for every time (D). What the tenant itself does
with contacts is in people.py.
"""

import secrets
import uuid
from typing import Any

import msgspec
from msgspec import Struct, structs

from koine.engine import attributes, contact_merge, people
from koine.engine.contact_rules import (
    ContactGiven,
    ContactSettings,
    check_attributes,
    check_person,
    friendly_name,
    settings_of,
)
from koine.engine.engine import Engine
from koine.engine.ledger import record
from koine.kit.tokens import hmac_hex, random_token, same
from koine.model.errors import NotFound, Unauthenticated
from koine.model.identity import Identity, NewIdentity
from koine.model.inbox import ContactInbox, Inbox
from koine.model.tenant import Tenant
from koine.store import identities, inboxes, tallies, tenants
from koine.store.db import Duplicate, Tx


class Entry(Struct, frozen=True):
    """What a public address leads to; place and contact are None where only the inbox is named."""

    tenant: Tenant
    inbox: Inbox
    place: ContactInbox | None = None
    contact: Identity | None = None

    @property
    def guest(self) -> tuple[ContactInbox, Identity]:
        """The place and its contact. Raises NotFound where only the inbox was named."""
        if self.place is None or self.contact is None:
            raise NotFound("contact")
        return self.place, self.contact


async def enter(engine: Engine, inbox_identifier: str, source_id: str | None) -> Entry:
    """Where a public address leads. Raises NotFound for whatever is unknown or removed."""
    door = await engine.db.read("", inboxes.door, inbox_identifier)
    if door is None:
        raise NotFound("inbox")
    return await engine.db.read(door.tenant_id, _enter, door.inbox_id, source_id)


async def prove(engine: Engine, entry: Entry, shown: str | None) -> Entry:
    """Let a contact in with the identity hash it shows, and remember that it did.

    Raises Unauthenticated where a hash is wrong, or is missing although the inbox or an earlier
    visit asks for one (inbox.md, D).
    """
    place, contact = entry.guest
    _check_hash(entry.inbox, contact.identifier, shown, asked=place.verified)
    if shown and not place.verified:
        await engine.db.write(entry.tenant.id, _verify, engine.clock.now(), place)
        place = structs.replace(place, verified=True)
    return structs.replace(entry, place=place)


async def listen(engine: Engine, token: str) -> Entry:
    """Whose stream a pubsub token opens. Raises NotFound for a token of nobody, or where the
    contact or its inbox is gone or the contact is blocked; Unauthenticated where the inbox demands
    an identity that was never shown for the place."""
    ear = await engine.db.read("", inboxes.ear, token)
    if ear is None:
        raise NotFound("token")
    entry = await engine.db.read(ear.tenant_id, _enter, ear.inbox_id, ear.source_id)
    place, contact = entry.guest
    if entry.inbox.removed_at is not None or contact.blocked:
        raise NotFound("contact")
    if entry.inbox.identity_required and not place.verified:
        raise Unauthenticated("missing")
    return entry


async def create(engine: Engine, entry: Entry, given: ContactGiven) -> Entry:
    """Find or make the contact, and its place in this inbox (inbox.md, F, rules 1 to 7).

    Raises Unauthenticated for an identity hash, InvalidFields, Invalid("custom_attributes").
    """
    given = _without_blanks(given)
    check_person(_checked(given))
    check_attributes(given.custom_attributes)
    if given.identifier_hash or entry.inbox.identity_required:
        _check_hash(entry.inbox, given.identifier, given.identifier_hash)
    source_id = given.source_id or _random_id()
    work = (entry, structs.replace(given, source_id=source_id))
    try:
        return await engine.db.write(entry.tenant.id, _create, engine.clock.now(), *work)
    except Duplicate:
        # Another request made the same contact or place just now: this time it is found.
        return await engine.db.write(entry.tenant.id, _create, engine.clock.now(), *work)


async def change(engine: Engine, entry: Entry, given: ContactGiven) -> Entry:
    """Change the contact, merging it into another of the tenant that has the email or phone it
    gives (inbox.md, F). Answers as whom it goes on. Raises InvalidFields, Invalid."""
    given = _without_blanks(given)
    check_person(_checked(given))
    check_attributes(given.custom_attributes)
    return await engine.db.write(entry.tenant.id, _change, engine.clock.now(), entry, given)


async def _enter(tx: Tx, inbox_id: str, source_id: str | None) -> Entry:
    tenant, inbox = await tenants.get(tx, tx.tenant_id), await inboxes.get(tx, inbox_id)
    if tenant is None or inbox is None:
        raise NotFound("inbox")
    if source_id is None:
        return Entry(tenant, inbox)
    place = await inboxes.place(tx, inbox_id, source_id)
    contact = await identities.get(tx, place.contact_id) if place else None
    if contact is None or contact.removed_at is not None:
        raise NotFound("contact")
    return Entry(tenant, inbox, place, contact)


async def _create(tx: Tx, now: int, entry: Entry, given: ContactGiven) -> Entry:
    source_id = given.source_id or ""
    place = await inboxes.place(tx, entry.inbox.id, source_id)
    if place is not None:
        return await _again(tx, now, entry, place, given)
    contact = await _known(tx, given)
    if contact is None:
        # Taking a number makes contacts one after another: whoever was first is now seen.
        await tallies.next_number(tx, "contact")
        contact = await _known(tx, given) or await people.add(tx, now, _new(given))
    verified = bool(given.identifier_hash)
    token = random_token(people.PUBSUB_BYTES)
    place = ContactInbox(entry.inbox.id, contact.id, source_id, token, verified, now)
    await inboxes.insert_place(tx, place)
    return structs.replace(entry, place=place, contact=contact)


async def _again(tx: Tx, now: int, entry: Entry, place: ContactInbox, given: ContactGiven) -> Entry:
    """A source id that is known: that contact unchanged, if it may be entered (rule 1)."""
    contact = await identities.get(tx, place.contact_id)
    if contact is None or contact.removed_at is not None:
        raise NotFound("contact")
    _check_hash(entry.inbox, contact.identifier, given.identifier_hash, asked=place.verified)
    if given.identifier_hash and not place.verified:
        await _verify(tx, now, place)
    return structs.replace(entry, place=place, contact=contact)


async def _verify(tx: Tx, now: int, place: ContactInbox) -> None:
    """The place shows more from now on, to those who listen, too: they are asked again."""
    await inboxes.verify(tx, place.inbox_id, place.source_id)
    await record(tx, now, "credential.changed", place.contact_id, audience="staff")


async def _known(tx: Tx, given: ContactGiven) -> Identity | None:
    """An existing contact by identifier, then email, then phone (rule 2)."""
    wanted = (
        ("identifier", given.identifier),
        ("email", given.email),
        ("phone", given.phone_number),
    )
    for field, value in wanted:
        found = await identities.matching(tx, "contact", field, value) if value else None
        if found is not None:
            return found
    return None


def _new(given: ContactGiven) -> NewIdentity:
    return NewIdentity(
        kind="contact",
        name=given.name or friendly_name(),
        email=given.email,
        phone=given.phone_number,
        identifier=given.identifier,
        avatar_url=given.avatar_url,
        custom_attributes=_text(given.custom_attributes),
        settings=_text(ContactSettings(tuple(given.custom_attributes))),
    )


async def _change(tx: Tx, now: int, entry: Entry, given: ContactGiven) -> Entry:
    place, contact = entry.guest
    survivor, given = await contact_merge.settle(tx, now, place, contact.id, given)
    values: dict[str, Any] = {
        field: value
        for field, value in (
            ("name", given.name),
            ("email", given.email),
            ("phone", given.phone_number),
            ("avatar_url", given.avatar_url),
        )
        if value is not None
    }
    if given.custom_attributes:
        values |= _attributes(survivor, given.custom_attributes)
    after = structs.replace(survivor, **values)
    if after != survivor:
        after = structs.replace(after, updated_at=max(now, survivor.updated_at + 1))
        await identities.change(tx, after)
        await record(tx, now, "identity.updated", after.id, what="contact")
    place = structs.replace(place, contact_id=after.id)
    return structs.replace(entry, place=place, contact=after)


def _attributes(contact: Identity, new: dict[str, object]) -> dict[str, str]:
    bag = attributes.merged("custom_attributes", contact.custom_attributes, new)
    given = ContactSettings.of(bag, (*settings_of(contact).given, *new))
    return {"custom_attributes": _text(bag), "settings": _text(given)}


def _check_hash(
    inbox: Inbox, identifier: str | None, shown: str | None, asked: bool = False
) -> None:
    if not shown:
        if asked or inbox.identity_required:
            raise Unauthenticated("missing")
        return
    if not identifier or not same(hmac_hex(inbox.hmac_token, identifier), shown):
        raise Unauthenticated("invalid")


def _checked(given: ContactGiven) -> dict[str, str | None]:
    names = ("source_id", "identifier", "email", "name", "avatar_url", "phone_number")
    return {name: getattr(given, name) for name in names}


def _without_blanks(given: ContactGiven) -> ContactGiven:
    """Blank texts say nothing; an email has no capitals."""
    values: dict[str, Any] = structs.asdict(given)
    for name, value in values.items():
        if isinstance(value, str):
            values[name] = value.strip() or None
    if values["email"]:
        values["email"] = values["email"].lower()
    return ContactGiven(**values)


def _random_id() -> str:
    # All 128 bits are random: it is a secret first and a UUID only by its shape (inbox.md, D).
    return str(uuid.UUID(bytes=secrets.token_bytes(16)))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
