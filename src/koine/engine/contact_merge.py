"""Two contacts that turn out to be one person become one (inbox.md, F).

The contact in the path gives an email or phone that another contact of the tenant has: its
conversations, its part in others', its messages and its places move to that other one, whose own
values win. All of it happens in one transaction, with the rows locked in the order of their ids.
"""

import msgspec
from msgspec import structs

from koine.engine import attributes
from koine.engine.contact_rules import ContactGiven, ContactSettings, settings_of
from koine.engine.ledger import record
from koine.model.errors import NotFound
from koine.model.identity import Identity
from koine.model.inbox import ContactInbox
from koine.store import conversations, identities, inboxes, messages, participants, tickets
from koine.store.db import Tx

Settled = tuple[Identity, ContactGiven]
_FILLED = (
    "name", "first_name", "last_name", "email", "phone", "avatar_url", "company", "job_title",
    "location", "country_code",
)  # fmt: skip


async def settle(
    tx: Tx, now: int, place: ContactInbox, contact_id: str, given: ContactGiven
) -> Settled:
    """The contact to go on as, locked, and what is left to be written on it.

    Raises NotFound for a contact that is gone. An email or phone of another contact is left out
    where no merge is allowed: for a phone whose owner has another email (F); for a verified or a
    blocked contact, who could otherwise take over a stranger's or shake off the block (D).
    """
    emailed = await _owner_of(tx, "email", given.email)
    phoned = await _owner_of(tx, "phone", given.phone_number)
    locked = await identities.lock(tx, [i for i in (contact_id, emailed, phoned) if i])
    contact = locked.get(contact_id)
    if contact is None or contact.removed_at is not None:
        raise NotFound("contact")
    fixed = place.verified or contact.blocked
    if other := _other(locked, emailed, contact):
        if fixed:
            given = structs.replace(given, email=None)
        else:
            contact = await _merge(tx, now, contact, other)
    if other := _other(locked, phoned, contact):
        if fixed or _has_another_email(other, given.email or contact.email):
            given = structs.replace(given, phone_number=None)
        else:
            contact = await _merge(tx, now, contact, other)
    return contact, given


async def _owner_of(tx: Tx, field: str, value: str | None) -> str | None:
    found = await identities.matching(tx, "contact", field, value) if value else None
    return found.id if found else None


def _other(locked: dict[str, Identity], found: str | None, contact: Identity) -> Identity | None:
    """Another one, still there now that it is locked: two may be merging into each other."""
    other = locked.get(found or "")
    return None if other is None or other.removed_at or other.id == contact.id else other


def _has_another_email(other: Identity, email: str | None) -> bool:
    return bool(other.email and other.email != email)


async def _merge(tx: Tx, now: int, merged: Identity, survivor: Identity) -> Identity:
    owned = await conversations.ids_of_owner(tx, merged.id)
    joined = await participants.conversations_of(tx, merged.id)
    for conversation_id in sorted({*owned, *joined}):
        await _move(tx, now, conversation_id, merged.id, survivor.id)
    await inboxes.move_places(tx, merged.id, survivor.id)
    await tickets.give_to(tx, merged.id, survivor.id)
    gone = structs.replace(merged, identifier=None, removed_at=now, updated_at=now)
    await identities.change(tx, gone)
    after = _filled(survivor, merged, now)
    await identities.change(tx, after)
    await record(tx, now, "identity.merged", after.id, merged_id=merged.id)
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
        await record(
            tx, now, "conversation.updated", conversation_id,
            conversation_id=conversation_id, changed={"owner_id": new_id},
        )  # fmt: skip
    await participants.give_to(tx, conversation, old_id, new_id, now)
    await record(tx, now, "participant.updated", new_id, conversation_id=conversation_id)
    await messages.give_to(tx, conversation_id, old_id, new_id)


def _filled(survivor: Identity, merged: Identity, now: int) -> Identity:
    """The survivor with its blanks filled. Never its identifier: with it would come the right to
    everything the survivor has said (inbox.md, D)."""
    values: dict[str, str | None] = {
        name: getattr(survivor, name) or getattr(merged, name) for name in _FILLED
    }
    given = (*settings_of(survivor).given, *settings_of(merged).given)
    for name in ("additional_attributes", "custom_attributes"):
        bag = attributes.filled(getattr(survivor, name), getattr(merged, name))
        values[name] = msgspec.json.encode(bag).decode()
    values["settings"] = msgspec.json.encode(ContactSettings.of(bag, given)).decode()
    last = max(each.last_activity_at or 0 for each in (survivor, merged)) or None
    return structs.replace(survivor, **values, last_activity_at=last, updated_at=now)
