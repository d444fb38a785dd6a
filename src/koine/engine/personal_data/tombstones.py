"""Empty the row of a person, and end everything by which it was reached or known."""

import msgspec
from msgspec import structs

from koine.engine.core.recorder import record_event
from koine.engine.people.identifier_claims import claims_of
from koine.kit.json import json_text
from koine.model.identity import Claims, Identity
from koine.model.personal_data import DELETED_NAMES, ErasureCounts
from koine.store.auth import credentials
from koine.store.contacts import inboxes
from koine.store.core.db import Tx
from koine.store.people import identities
from koine.store.personal_data import people


def tombstone(person: Identity, now: int) -> Identity:
    """The person without anything that says who it was. Id, number and times of creation stay, so
    that what refers to it stays readable; a user's role too, by which its messages are shown as
    those of staff. Blocked, so that nothing is stored in its name any more."""
    return Identity(
        id=person.id,
        number=person.number,
        kind=person.kind,
        name=DELETED_NAMES[person.kind],
        first_name=None,
        last_name=None,
        email=None,
        phone=None,
        identifier=None,
        avatar_url=None,
        role=person.role,
        permissions="[]",
        blocked=True,
        company=None,
        job_title=None,
        location=None,
        country_code=None,
        custom_attributes="{}",
        additional_attributes="{}",
        labels="[]",
        settings="{}",
        last_activity_at=None,
        created_at=person.created_at,
        updated_at=now,
        removed_at=person.removed_at or now,
        merged_into=person.merged_into,
    )


async def empty_rows_tx(tx: Tx, now: int, ids: list[str]) -> ErasureCounts:
    """Empty the rows of these people and delete or revoke their credentials; what is done already
    is not done again. Their open streams end, and others learn what the people are now."""
    counts = ErasureCounts()
    for person in (await identities.lock(tx, ids)).values():
        counts = counts.plus(ErasureCounts(claims=await _forget_claims(tx, now, person)))
        emptied = tombstone(person, max(now, person.updated_at + 1))
        if structs.replace(emptied, updated_at=person.updated_at) == person:
            continue
        await identities.change(tx, emptied)
        await record_event(tx, now, "identity.updated", person.id, what=person.kind)
        if person.removed_at is None:
            await record_event(tx, now, "identity.removed", person.id, what=person.kind)
        counts = counts.plus(ErasureCounts(people=1))
    return counts.plus(ErasureCounts(credentials=await _end_credentials(tx, now, ids)))


async def _end_credentials(tx: Tx, now: int, ids: list[str]) -> int:
    ended = await people.delete_contact_inboxes(tx, ids)
    for identity_id in ids:
        await credentials.delete_login(tx, identity_id)
        # It writes the event by which every node ends the person's streams.
        ended += await credentials.revoke_sessions_of(tx, identity_id, now)
    await people.delete_sessions(tx, ids)
    for key_id in await people.key_ids(tx, ids):
        ended += await credentials.revoke_key(tx, key_id, now)
    await people.revoke_keys(tx, ids, DELETED_NAMES["user"], now)
    return ended


async def _forget_claims(tx: Tx, now: int, person: Identity) -> int:
    """Other contacts' clients may have claimed the person's e-mail, phone or identifier: take these
    from them. Returns from how many."""
    values = {each for each in (person.email, person.phone, person.identifier) if each}
    if not values or person.kind != "contact":
        return 0
    claimants = [
        id_
        for id_, claims in await people.claimants(tx)
        if id_ != person.id and _named(msgspec.json.decode(claims, type=Claims)) & values
    ]
    for other in (await identities.lock(tx, claimants)).values():
        kept = {
            name: tuple(value for value in given if value not in values)
            for name, given in structs.asdict(claims_of(other)).items()
        }
        changed = structs.replace(
            other, claims=json_text(Claims(**kept)), updated_at=max(now, other.updated_at + 1)
        )
        await identities.change(tx, changed)
        await record_event(tx, now, "identity.updated", other.id, what="contact")
    await _forget_given(tx, claimants, values)
    return len(claimants)


def _named(claims: Claims) -> set[str]:
    return {*claims.emails, *claims.phones, *claims.identifiers}


async def _forget_given(tx: Tx, claimants: list[str], values: set[str]) -> None:
    """What the clients of the claimants gave is stored with their contact inboxes, too."""
    for place in await inboxes.contact_inboxes_of(tx, claimants):
        given = msgspec.json.decode(place.given or "{}", type=dict[str, object])
        kept = {
            name: value
            for name, value in given.items()
            if not (isinstance(value, str) and value in values)
        }
        if kept != given:
            await inboxes.change_contact_inbox(tx, structs.replace(place, given=json_text(kept)))
