"""Find the events that may concern one reader, without reading those of others.

For readers that do not receive the whole log (`visibility.receives_whole_log`), such as a contact
that catches up: reading a busy tenant's log for each of its contacts would be far too expensive.
All events that `visibility.can_receive` accepts are found, and few others; it is still asked for
each one.
"""

import asyncio

from msgspec import Struct

from koine.engine.events.event_context import SENT_WITHIN
from koine.kit.times import DAY
from koine.model.actor import Actor
from koine.store.core.db import Database, Tx
from koine.store.events import reader_events, reader_scope

CONVERSATIONS_PER_READ = 500
"""How many conversations one read looks into. Reads are short, so that others get theirs between.
"""


class PositionRange(Struct, frozen=True):
    """A range of the log: the positions after one and up to another, at most `limit` of them."""

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
    """The first positions of a range that may concern the reader, in order, and whether there may
    be more. `own` are the reader's conversations. It takes several short reads."""
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
    """The subjects of events without conversation that may concern the reader: the tenant, itself,
    its deliveries, and those it shares conversations with."""
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
