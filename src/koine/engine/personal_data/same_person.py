"""Who is one person: contacts that were merged into another, and people who may be the same.

Removed people are found too: what is stored of them is no less theirs.
"""

from contextlib import suppress

from koine.engine.auth import access
from koine.engine.core.operations import long_read_tx, read_tx
from koine.model.actor import Actor
from koine.model.errors import NotFound
from koine.model.identity import Identity
from koine.model.permissions import MANAGE_TENANT
from koine.model.personal_data import PERSON_KINDS, PersonKind
from koine.store.core.db import Tx
from koine.store.people import identities
from koine.store.personal_data import people

_MOST_MERGES = 100
"""A chain of merges is not longer."""
_MOST_SIMILAR = 50
_MOST_FOUND = 100


@read_tx
async def get(tx: Tx, actor: Actor, identity_id: str) -> Identity:
    """The contact or user with this id. Raises Forbidden, NotFound("person")."""
    access.require(actor, MANAGE_TENANT)
    return await survivor_tx(tx, identity_id, None)


@long_read_tx
async def search(tx: Tx, actor: Actor, text: str) -> list[Identity]:
    """The contacts and users whose names, e-mail, phone, identifier or company have the text, at
    most a hundred; those merged into others are left out. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    return await people.search(tx, list(PERSON_KINDS), text, _MOST_FOUND)


async def survivor_tx(tx: Tx, identity_id: str, kind: PersonKind | None) -> Identity:
    """The user or contact with this id, removed or not; for a contact that was merged, the one it
    was merged into. Raises NotFound."""
    found = await identities.get(tx, identity_id)
    for _ in range(_MOST_MERGES):
        if found is None or found.merged_into is None:
            break
        found = await identities.get(tx, found.merged_into)
    if found is None or found.kind not in PERSON_KINDS or kind not in (None, found.kind):
        raise NotFound(kind or "person")
    return found


async def survivors_tx(tx: Tx, ids: list[str], kind: PersonKind) -> list[str]:
    """The ids of the people whom these ids name now, each once. Contacts of which one was merged
    into the other are two in a database that is older than the merge."""
    found: dict[str, None] = {}
    for each in ids:
        with suppress(NotFound):
            found[(await survivor_tx(tx, each, kind)).id] = None
    return list(found)


async def merged_tx(tx: Tx, identity_id: str) -> list[str]:
    """The ids of the contacts that were merged into this one, also through others."""
    found: dict[str, None] = {}
    newest = [identity_id]
    while newest:
        merged = await people.merged_into(tx, newest)
        newest = [each for each in merged if each not in found and each != identity_id]
        found.update(dict.fromkeys(newest))
    return list(found)


async def similar_tx(tx: Tx, person: Identity, but: list[str]) -> list[str]:
    """The ids of people with the same e-mail or phone, removed ones too, at most fifty, without
    those in `but`. They may be the same person or not: that is for people to decide."""
    if person.email is None and person.phone is None:
        return []
    found = await people.similar(tx, list(PERSON_KINDS), person.email, person.phone, _MOST_SIMILAR)
    return [each.id for each in found if each.id not in but]
