"""Which events may concern one reader, found without looking at those of others.

For readers of whom `hearing.follows_all` says no. All that `hearing.hears` says yes to is found,
and little else; it is asked for each event all the same.
"""

import asyncio

from msgspec import Struct

from koine.engine.events.event_context import SENT_WITHIN
from koine.kit.times import DAY
from koine.model.actor import Actor
from koine.store.core.db import Database, Tx
from koine.store.events import reader_events, reader_scope

CONVERSATIONS_PER_READ = 500
"""How many conversations one read looks into: the next is another's turn."""


class PositionRange(Struct, frozen=True):
    """A part of the log: the positions after one and up to another; at most `most` events of it."""

    after: int
    until: int
    limit: int


async def conversations(db: Database, actor: Actor, most: int) -> list[str] | None:
    """The reader's own conversations; None when they are more than `most`."""
    if actor.identity_id is None:
        return []
    is_contact = actor.kind == "contact"
    found = await db.read(
        actor.tenant_id, reader_scope.conversations, actor.identity_id, is_contact, most
    )
    return None if len(found) > most else found


async def positions(
    db: Database, actor: Actor, own: list[str], wanted: PositionRange
) -> tuple[list[int], bool]:
    """The first positions of a stretch that may concern the reader, whose conversations `own` are,
    in order, and whether there may be more. Several short reads, between which others have theirs.
    """
    subjects = await _subjects(db, actor, own, wanted)
    found: set[int] = set()
    for read, ids in ((reader_events.of_conversations, own), (reader_events.about, subjects)):
        for piece in _pieces(ids):
            args = (piece, wanted.after, wanted.until, wanted.limit + 1)
            found.update(await db.read(actor.tenant_id, read, *args))
            if len(found) > 2 * wanted.limit:
                found = set(sorted(found)[: wanted.limit + 1])
            await asyncio.sleep(0)
    ordered = sorted(found)
    return ordered[: wanted.limit], len(ordered) > wanted.limit


async def _subjects(db: Database, actor: Actor, own: list[str], wanted: PositionRange) -> list[str]:
    """What events of no conversation may be about: the reader, its deliveries, those it meets."""
    tenant_id = actor.tenant_id
    found = set() if actor.kind == "contact" else {tenant_id}
    if actor.identity_id is None:
        return sorted(found)
    found |= await db.read(tenant_id, _of_person, actor.identity_id)
    if actor.kind == "user" and own:
        since = await db.read(tenant_id, reader_events.first_time, wanted.after, wanted.until)
        if since is None:
            return sorted(found)
        since -= SENT_WITHIN + DAY  # clocks of nodes differ
        for piece in _pieces(own):
            found.update(await db.read(tenant_id, reader_scope.people, piece))
            found.update(await db.read_long(tenant_id, reader_scope.senders, piece, since))
    return sorted(found)


async def _of_person(tx: Tx, identity_id: str) -> set[str]:
    deliveries = await reader_scope.deliveries(tx, identity_id)
    return {identity_id, *deliveries, *await reader_events.member_of(tx, identity_id)}


def _pieces(ids: list[str]) -> list[list[str]]:
    return [ids[n : n + CONVERSATIONS_PER_READ] for n in range(0, len(ids), CONVERSATIONS_PER_READ)]
