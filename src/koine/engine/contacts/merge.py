"""Merge two contacts that are the same person.

Either the contact's own client causes it (inbox.md, F), by giving an e-mail or phone of another
contact, with proof of the other's identifier or where the inbox trusts its clients (D); or staff
does. The survivor gets the other's conversations, participations, messages and contact inboxes, and
keeps its own values. All of it happens in one transaction, with rows locked in the order of ids.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from koine.engine.auth import access
from koine.engine.contacts.callers import (
    ContactCaller,
    is_hash_of,
    is_proven_anywhere_tx,
    with_contact_tx,
)
from koine.engine.contacts.rules import ContactInput, ContactSettings, contact_settings
from koine.engine.core import attributes
from koine.engine.core.legal_holds import follow_merge_tx
from koine.engine.core.operations import write_tx
from koine.engine.core.recorder import record_audit, record_change, record_event
from koine.engine.people import identifier_claims
from koine.engine.people.identifier_claims import Field, TakeOver
from koine.kit.json import json_text
from koine.model.actor import Actor
from koine.model.errors import Conflict, Invalid, NotFound
from koine.model.identity import Identity
from koine.model.permissions import WRITE_CUSTOMERS
from koine.store.contacts import inboxes
from koine.store.conversations import conversations, messages, participants, tickets
from koine.store.core.db import Tx
from koine.store.people import identities

_FILLED = (
    "name", "first_name", "last_name", "avatar_url", "company", "job_title", "location",
    "country_code",
)  # fmt: skip


class IdentifierDecision(Struct, frozen=True):
    """The caller to continue with, its contact locked; the values to write on the contact; the
    values to store as claims."""

    caller: ContactCaller
    written: Mapping[str, object]
    claimed: Mapping[Field, str]


@write_tx
async def merge(tx: Tx, now: int, actor: Actor, survivor_id: str, merged_id: str) -> Identity:
    """Merge a contact into the survivor, whose missing values are filled; done by staff. The
    contact inboxes of the merged contact go on showing the conversations opened through them, and
    what they proved counts if the survivor, having none, takes the identifier over.

    Raises Forbidden, NotFound("contact"), Invalid("contact_id") for a contact that is not there or
    the same, Conflict("identifiers") where each has one of its own.
    """
    access.require(actor, WRITE_CUSTOMERS)
    if survivor_id == merged_id:
        raise Invalid("contact_id", "same", "a contact cannot be merged into itself")
    locked = await identities.lock(tx, [survivor_id, merged_id])
    survivor, merged = locked.get(survivor_id), locked.get(merged_id)
    if survivor is None or not _is_present(survivor):
        raise NotFound("contact")
    if merged is None or not _is_present(merged):
        raise Invalid("contact_id", "unknown", "no such contact")
    if survivor.identifier and merged.identifier:
        raise Conflict("identifiers", "both contacts have an identifier: take one away first")
    identifier = merged.identifier
    after = await _merge(tx, now, actor, merged, survivor)
    kept: dict[str, Any] = {"blocked": survivor.blocked or merged.blocked}
    if identifier:
        kept |= {"identifier": identifier, "identifier_verified": merged.identifier_verified}
    after = structs.replace(after, **kept)
    await identities.change(tx, after)
    return after


async def decide_identifiers_tx(
    tx: Tx, now: int, actor: Actor, caller: ContactCaller, given: ContactInput
) -> IdentifierDecision:
    """Decide about the e-mail and phone that a contact inbox gives its contact: written, stored as
    a claim, or the reason for a merge. Raises NotFound for a contact that was removed."""
    wanted: dict[Field, str | None] = {"email": given.email, "phone": given.phone_number}
    values = {field: value for field, value in wanted.items() if value}
    caller, others = await _locked(tx, caller, values)
    written: dict[str, object] = {}
    claimed: dict[Field, str] = {}
    for field, value in values.items():
        other = await _mergeable(tx, caller, others[field], field, given)
        if other is not None:
            caller = await _continue_as(tx, now, actor, caller, other, given)
        elif await _may_have(tx, now, caller, field, value):
            written |= {field: value, f"{field}_verified": caller.rights.trusted}
        else:
            claimed[field] = value
    return IdentifierDecision(caller, written, claimed)


async def _locked(
    tx: Tx, caller: ContactCaller, values: Mapping[Field, str]
) -> tuple[ContactCaller, dict[Field, list[Identity]]]:
    """The caller as it is now, and the other contacts that have the values, all locked."""
    contact_inbox, contact = caller.contact_at_inbox
    found = {field: await identities.contacts_with(tx, field, v) for field, v in values.items()}
    ids = {contact.id, *(c.id for each in found.values() for c in each)}
    locked = await identities.lock(tx, sorted(ids))
    now_there = await inboxes.get_contact_inbox(tx, contact_inbox.inbox_id, contact_inbox.source_id)
    mine = locked.get(contact.id)
    if mine is None or mine.removed_at is not None:
        raise NotFound("contact")
    if now_there is None or now_there.contact_id != contact.id:
        raise NotFound("contact")
    others = {
        field: [
            c
            for each in found[field]
            if (c := locked.get(each.id)) and c.id != mine.id
            if c.removed_at is None and getattr(c, field) == value
        ]
        for field, value in values.items()
    }
    return await with_contact_tx(tx, caller, now_there, mine), others


async def _may_have(tx: Tx, now: int, caller: ContactCaller, field: Field, value: str) -> bool:
    rights, contact = caller.rights, caller.contact_at_inbox[1]
    if not rights.changes:
        return False
    if getattr(contact, field) == value:
        # A verified value that the client repeats stays verified.
        return not identifier_claims.is_verified(contact, field) and rights.trusted
    takes: TakeOver = "unverified" if rights.proven or rights.trusted else "nobody"
    return await identifier_claims.release(tx, now, contact.id, field, value, takes)


async def _mergeable(
    tx: Tx, caller: ContactCaller, others: list[Identity], field: Field, given: ContactInput
) -> Identity | None:
    """Which of the contacts that have the value the contact may be merged into. A blocked contact
    is never merged, or it would be rid of the block, nor one whose identity is proven; nor, by
    phone, into one with another e-mail (F)."""
    rights, (_, contact) = caller.rights, caller.contact_at_inbox
    if not rights.changes or rights.proven or contact.blocked:
        return None
    email = given.email or contact.email
    for other in others:
        is_other = field == "phone" and other.email and other.email != email
        if is_other or other.id == contact.id:
            continue
        if _proves(caller, other, given):
            return other
        trusted = rights.trusted and identifier_claims.is_verified(other, field)
        if trusted and not await is_proven_anywhere_tx(tx, other):
            return other
    return None


def _proves(caller: ContactCaller, other: Identity, given: ContactInput) -> bool:
    """Whether the request has a valid hash of the other contact's identifier."""
    return (
        given.identifier == other.identifier
        and other.identifier_verified
        and is_hash_of(caller, other.identifier, given.identifier_hash)
    )


async def _continue_as(
    tx: Tx, now: int, actor: Actor, caller: ContactCaller, other: Identity, given: ContactInput
) -> ContactCaller:
    contact_inbox, contact = caller.contact_at_inbox
    current = await identities.get(tx, other.id)
    survivor = await _merge(tx, now, actor, contact, current or other)
    contact_inbox = structs.replace(contact_inbox, contact_id=survivor.id, origin="joined")
    if _proves(caller, other, given):
        contact_inbox = structs.replace(
            contact_inbox, proof_required=True, proved_identifier=other.identifier
        )
    await inboxes.change_contact_inbox(tx, contact_inbox)
    return await with_contact_tx(tx, caller, contact_inbox, survivor)


def _is_present(found: Identity) -> bool:
    return found.kind == "contact" and found.removed_at is None


async def _merge(tx: Tx, now: int, actor: Actor, merged: Identity, survivor: Identity) -> Identity:
    owned = await conversations.ids_of_owner(tx, merged.id)
    joined = await participants.conversations_of(tx, merged.id)
    for conversation_id in sorted({*owned, *joined}):
        await _move(tx, now, conversation_id, merged.id, survivor.id)
    await inboxes.reassign_contact_inboxes(tx, merged.id, survivor.id)
    await tickets.reassign(tx, merged.id, survivor.id)
    gone = structs.replace(
        merged, identifier=None, removed_at=now, updated_at=now, merged_into=survivor.id
    )
    await identities.change(tx, gone)
    await follow_merge_tx(tx, merged.id, survivor.id)
    after = _filled(survivor, merged, now)
    await identities.change(tx, after)
    await record_audit(tx, now, actor, "merge", "contact", after.id, merged_id=merged.id)
    await record_event(tx, now, "identity.merged", after.id, merged_id=merged.id)
    return after


async def _move(tx: Tx, now: int, conversation_id: str, old_id: str, new_id: str) -> None:
    conversation = await conversations.lock(tx, conversation_id)
    if conversation is None:
        return
    if conversation.owner_id == old_id:
        before = conversation
        at = max(now, before.updated_at + 1)
        conversation = structs.replace(before, owner_id=new_id, updated_at=at)
        await conversations.change(tx, before, conversation)
        await record_change(tx, now, before, conversation)
    await participants.reassign(tx, conversation, old_id, new_id, now)
    await record_event(tx, now, "participant.updated", new_id, conversation_id=conversation_id)
    await messages.reassign(tx, conversation_id, old_id, new_id)


def _filled(survivor: Identity, merged: Identity, now: int) -> Identity:
    """The survivor with its missing values filled, but for the identifier: it would give the merged
    contact's clients access to all conversations of the survivor (inbox.md, D)."""
    values: dict[str, Any] = {
        name: getattr(survivor, name) or getattr(merged, name) for name in _FILLED
    }
    other: dict[Field, str] = {}
    for field in ("email", "phone"):
        value = getattr(merged, field)
        if value and getattr(survivor, field):
            other[field] = value
        elif value:
            values |= {field: value, f"{field}_verified": getattr(merged, f"{field}_verified")}
    given = (*contact_settings(survivor).given, *contact_settings(merged).given)
    for name in ("additional_attributes", "custom_attributes"):
        combined = attributes.filled(getattr(survivor, name), getattr(merged, name))
        values[name] = json_text(combined)
    values["settings"] = json_text(ContactSettings.of(combined, given))
    last = max(each.last_activity_at or 0 for each in (survivor, merged)) or None
    filled = structs.replace(survivor, **values, last_activity_at=last, updated_at=now)
    return identifier_claims.with_claims(filled, other)
