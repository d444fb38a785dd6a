"""Which contact has an e-mail, a phone number or an identifier that several contacts claim.

A value that no contact has is stored on the contact, as unverified where only its client gave it. A
value that the tenant gives, or a contact inbox that proved its identity, is taken from contacts
that have it unverified; these keep it as a claim. Any other value of another contact is stored as a
claim only: staff can read it, but no contact is found, read or merged by it (inbox.md, D).
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import structs

from koine.engine.core.recorder import record_event
from koine.kit.json import json_text
from koine.model.errors import Conflict
from koine.model.identity import Claims, Identity
from koine.store.core.db import Tx
from koine.store.people import identities

Field = Literal["identifier", "email", "phone"]
FIELDS: tuple[Field, ...] = ("identifier", "email", "phone")
TakeOver = Literal["nobody", "unverified", "tenant"]
"""From which contacts an unverified value may be taken: from none, from those without a
verified identifier, or, by the tenant, from any."""
_MOST_CLAIMS = 5
"""How many claims of each field a contact keeps: the newest."""
_MOST_ROUNDS = 1000
"""A round takes the value from up to ten contacts. Only old databases have more than one."""


async def release(
    tx: Tx, now: int, contact_id: str | None, field: Field, value: str, takes: TakeOver
) -> bool:
    """Take the value from the contacts that have it, if `takes` allows it for all of them. Returns
    whether it is free now. `contact_id` is the contact that wants it (None: a new one)."""
    holders = [c for c in await identities.contacts_with(tx, field, value) if c.id != contact_id]
    if not all(_may_take(holder, field, takes) for holder in holders):
        return False
    if holders:
        await _take(tx, now, contact_id, field, value)
    return True


async def take_verified(tx: Tx, now: int, before: Identity | None, after: Identity) -> None:
    """Take the contact's newly verified values from contacts that have them unverified. After a
    change of its identifier its open streams reauthenticate. Raises Conflict as
    `release_identifier`."""
    if before is not None and after.identifier != before.identifier:
        if after.identifier is not None:
            await release_identifier(tx, now, after.id, after.identifier)
        await record_event(tx, now, "credential.changed", after.id, audience="staff")
    for field in FIELDS:
        value = getattr(after, field)
        if value is not None and is_verified(after, field) and not _was_so(before, after, field):
            await _take(tx, now, after.id, field, value)


async def release_identifier(tx: Tx, now: int, contact_id: str | None, identifier: str) -> None:
    """Take the identifier, which the tenant gives, from contacts that have it unverified. Raises
    Conflict("exists") where another contact has it verified."""
    if not await release(tx, now, contact_id, "identifier", identifier, "tenant"):
        raise Conflict("exists", "a contact with this identifier exists")


def given_by_tenant(before: Identity, values: Mapping[str, object]) -> dict[str, bool]:
    """The `…_verified` fields of the values that the tenant changes: these are verified."""
    return {
        f"{field}_verified": True
        for field in FIELDS
        if field in values and values[field] != getattr(before, field)
    }


def is_verified(contact: Identity, field: Field) -> bool:
    """Whether the tenant gave the contact this value, or the contact's client proved it."""
    return bool(getattr(contact, f"{field}_verified"))


def has_verified_identifier(contact: Identity) -> bool:
    """Whether the contact has an identifier, and it is verified."""
    return contact.identifier is not None and contact.identifier_verified


def unverified(contact: Identity) -> list[str]:
    """The fields whose value only the contact's own client gave."""
    return [
        field
        for field in ("email", "phone", "identifier")
        if getattr(contact, field) is not None and not getattr(contact, f"{field}_verified")
    ]


def claims_of(contact: Identity) -> Claims:
    """The claims of the contact, decoded."""
    return msgspec.json.decode(contact.claims, type=Claims)


def with_claims(contact: Identity, claimed: Mapping[Field, str]) -> Identity:
    """The contact with these claims added to those it has."""
    before = claims_of(contact)
    added: dict[str, Any] = {}
    for field, value in claimed.items():
        if getattr(contact, field) != value:
            name = f"{field}s"
            others = [each for each in getattr(before, name) if each != value]
            added[name] = (*others, value)[-_MOST_CLAIMS:]
    if not added:
        return contact
    text = json_text(structs.replace(before, **added))
    return structs.replace(contact, claims=text)


def _may_take(holder: Identity, field: Field, takes: TakeOver) -> bool:
    if takes == "nobody" or is_verified(holder, field):
        return False
    return takes == "tenant" or not has_verified_identifier(holder)


async def _take(tx: Tx, now: int, contact_id: str | None, field: Field, value: str) -> None:
    """Take the value from every other contact that has it unverified."""
    for _ in range(_MOST_ROUNDS):
        found = await identities.contacts_with(tx, field, value)
        ids = [c.id for c in found if c.id != contact_id and not is_verified(c, field)]
        if not ids:
            return
        for holder in (await identities.lock(tx, ids)).values():
            if getattr(holder, field) == value and not is_verified(holder, field):
                await _take_from(tx, now, holder, field)


def _was_so(before: Identity | None, after: Identity, field: Field) -> bool:
    if before is None:
        return False
    same = getattr(before, field) == getattr(after, field)
    return same and is_verified(before, field)


async def _take_from(tx: Tx, now: int, holder: Identity, field: Field) -> None:
    value = getattr(holder, field)
    changed: dict[str, Any] = {field: None, f"{field}_verified": True}
    after = with_claims(structs.replace(holder, **changed), {field: value})
    after = structs.replace(after, updated_at=max(now, holder.updated_at + 1))
    await identities.change(tx, after)
    await record_event(tx, now, "identity.updated", holder.id, what="contact")
