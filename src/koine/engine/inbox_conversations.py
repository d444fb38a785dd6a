"""A contact's conversations as its own client opens, reads and closes them (inbox.md).

A place shows what came through it; a place whose contact has proved who it is shows all of the
contact's. Whatever else there is, the contact cannot tell it from nothing.
"""

from collections.abc import Callable

from msgspec import structs

from koine.engine import conversation_opening, conversations
from koine.engine.around import around
from koine.engine.contact_entry import Entry, admit_all
from koine.engine.contact_rights import came_through, shows
from koine.engine.contact_rules import check_attributes
from koine.engine.engine import reads, writes
from koine.engine.ledger import record
from koine.kit.json import json_text
from koine.kit.times import MINUTE
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, Status
from koine.model.errors import Invalid, NotFound
from koine.model.filters import MessageFilter
from koine.model.page import Window
from koine.model.view import Around, Part, Shown
from koine.store import conversations as rows
from koine.store import identities, message_lists, message_numbers, messages, participants
from koine.store.db import Tx

PARTS: frozenset[Part] = frozenset({"messages", "people", "inboxes"})
PAGE = 20
"""Messages on a page (inbox.md, F)."""
MOST_LISTED = 500
"""Conversations in one answer."""
MOST_IN_A_MINUTE = 200
"""Messages of one conversation, whoever they are from (inbox.md, F)."""


@reads
async def of_place(tx: Tx, actor: Actor, entry: Entry) -> Shown:
    """The conversations the place shows, oldest first, with what is said in them (`around`): those
    among the contact's MOST_LISTED newest."""
    place, contact = entry.guest
    newest = await rows.newest_of_owner(tx, contact.id, MOST_LISTED)
    items = [c for c in newest if shows(place, contact, c)]
    return Shown(items, await around(tx, items, PARTS))


@reads
async def whole(tx: Tx, actor: Actor, entry: Entry, number: int) -> Shown:
    """One conversation with all that is said in it. Raises NotFound."""
    found = await _numbered(tx, entry, number)
    return Shown([found], await around(tx, [found], PARTS))


@reads
async def get(tx: Tx, actor: Actor, entry: Entry, number: int) -> Conversation:
    """One conversation. Raises NotFound."""
    return await _numbered(tx, entry, number)


@reads
async def said(
    tx: Tx,
    actor: Actor,
    entry: Entry,
    number: int,
    before: int | None = None,
    after: int | None = None,
) -> Shown:
    """A page of what was said in a conversation, oldest first: the newest messages, those before
    the message with the number `before`, or the first after the number `after`. Raises NotFound."""
    found = await _numbered(tx, entry, number)
    f = MessageFilter(
        said_only=True,
        before_seq=None if before is None else await _below(tx, found, before) + 1,
        after_seq=None if after is None else await _below(tx, found, after + 1),
        oldest_first=after is not None,
    )
    items = (await message_lists.page(tx, found.id, f, Window(PAGE))).items
    contacts = {m.sender_id for m in items if m.sender_id and m.sender_kind == "contact"}
    others = [*contacts - {entry.guest[1].id}]
    people = await identities.by_ids(tx, others) if others else {}
    said = items if f.oldest_first else items[::-1]
    return Shown([found], Around(messages={found.id: said}, people=people))


@reads
async def for_posting(
    tx: Tx, actor: Actor, entry: Entry, number: int, now: int, client_key: str | None
) -> Conversation:
    """One conversation the contact may say something in `now` (µs). Raises NotFound, and
    Invalid("base") when too much was said in the last minute (inbox.md, F): what was said already,
    and is only said again under its key, is not too much."""
    found = await _numbered(tx, entry, number)
    if client_key is not None and await messages.has_key(tx, found.id, client_key):
        return found
    if found.last_seq >= MOST_IN_A_MINUTE:
        # Numbers are dense: if that one is younger than a minute, so are all after it.
        first = await messages.by_seq(tx, found.id, found.last_seq - MOST_IN_A_MINUTE + 1)
        if first is not None and first.created_at > now - MINUTE:
            raise Invalid("base", "too_many", "Too many messages")
    return found


@writes
async def open_(
    tx: Tx,
    now: int,
    actor: Actor,
    entry: Entry,
    custom_attributes: dict[str, object],
    admit: Callable[[], None] = admit_all,
) -> Conversation:
    """Open a conversation, or give the one there is where the inbox has but one for each contact
    (inbox.md, F), or where the contact is blocked: it adds no more. `admit` is asked before one is
    opened, and may refuse.

    Raises Invalid("custom_attributes").
    """
    place, contact = entry.guest
    check_attributes(custom_attributes)
    # Locked, so that two at once do not open two in an inbox that has one.
    locked = (await identities.lock(tx, [contact.id])).get(contact.id)
    if locked is None or locked.removed_at is not None:
        raise NotFound("contact")
    if entry.inbox.single_conversation or locked.blocked:
        there = [c for c in await rows.of_owner(tx, contact.id) if came_through(place, c)]
        if there:
            return there[-1]
    admit()
    new = NewConversation(
        status=_first_status(locked.blocked, entry.inbox.responder_id),
        inbox_id=entry.inbox.id,
        owner_id=contact.id,
        source_id=place.source_id,
        custom_attributes=json_text(custom_attributes),
    )
    await identities.change(tx, structs.replace(locked, last_activity_at=now))
    await record(tx, now, "identity.updated", contact.id, what="contact")
    return await conversation_opening.start(tx, now, actor, new)


@writes
async def resolve(tx: Tx, now: int, actor: Actor, entry: Entry, number: int) -> None:
    """Close a conversation; twice is as once. Raises NotFound."""
    found = await rows.lock(tx, (await _numbered(tx, entry, number)).id)
    if found is None:
        raise NotFound("conversation")
    closing = conversations.Changes(status="closed")
    await conversations.apply(tx, now, actor, found, closing)


@writes
async def seen(tx: Tx, now: int, actor: Actor, entry: Entry, number: int) -> None:
    """The contact has seen everything in a conversation up to now. Raises NotFound."""
    found = await rows.lock(tx, (await _numbered(tx, entry, number)).id)
    if found is None:
        raise NotFound("conversation")
    await rows.seen_by_contact(tx, found.id, max(now, found.contact_seen_at or 0))
    newest = await messages.by_seq(tx, found.id, found.last_public_seq)
    mark = (found.last_seq, found.public_count, newest.id if newest else None)
    await participants.mark_read(tx, found.id, entry.guest[1].id, mark)
    await record(
        tx, now, "conversation.read", entry.guest[1].id,
        conversation_id=found.id, seq=found.last_seq,
    )  # fmt: skip


async def _below(tx: Tx, found: Conversation, number: int) -> int:
    return await message_numbers.below(tx, found.id, number)


async def _numbered(tx: Tx, entry: Entry, number: int) -> Conversation:
    found = await rows.by_number(tx, number)
    if found is None or found.removed_at is not None or not shows(*entry.guest, found):
        raise NotFound("conversation")
    return found


def _first_status(blocked: bool, responder_id: str | None) -> Status:
    if blocked:
        return "closed"
    return "open" if responder_id is None else "pending"
