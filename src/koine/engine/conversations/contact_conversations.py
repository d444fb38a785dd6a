"""A contact's conversations, opened, read and closed by its own client (inbox.md).

A contact inbox sees the conversations that were opened through it, and with a proven identifier all
of its contact. Any other conversation is NotFound, like one that does not exist.
"""

from collections.abc import Callable

from msgspec import structs

from koine.engine.auth import access
from koine.engine.contacts.callers import ContactCaller, no_budget
from koine.engine.contacts.rights import may_see_conversation, opened_through
from koine.engine.contacts.rules import check_attributes
from koine.engine.conversations import conversations
from koine.engine.conversations.related import load_related
from koine.engine.core.operations import read_tx, write_tx
from koine.engine.core.recorder import record_event
from koine.kit.json import json_text
from koine.kit.times import MINUTE
from koine.model.actor import Actor
from koine.model.conversation import Conversation, NewConversation, Status
from koine.model.errors import Invalid, NotFound
from koine.model.filters import MessageFilter
from koine.model.page import Window
from koine.model.related import ConversationPage, Include, Related
from koine.store.conversations import conversations as rows
from koine.store.conversations import message_lists, message_numbers, messages, participants
from koine.store.core.db import Tx
from koine.store.people import identities

PARTS: frozenset[Include] = frozenset({"messages", "people", "inboxes"})
PAGE = 20
"""Messages on a page (inbox.md, F)."""
MAX_LISTED = 500
"""Conversations in one response."""
MAX_MESSAGES_PER_MINUTE = 200
"""Messages of one conversation, of all senders together (inbox.md, F)."""


@read_tx
async def list_all(tx: Tx, actor: Actor, caller: ContactCaller) -> ConversationPage:
    """The conversations that the contact inbox sees, oldest first, with their messages: those among
    the contact's MAX_LISTED newest."""
    contact_inbox, contact = caller.contact_at_inbox
    newest = await rows.newest_of_owner(tx, contact.id, MAX_LISTED)
    items = [c for c in newest if may_see_conversation(contact_inbox, contact, c)]
    return ConversationPage(items, await load_related(tx, items, PARTS))


@read_tx
async def with_messages(
    tx: Tx, actor: Actor, caller: ContactCaller, number: int
) -> ConversationPage:
    """One conversation with its messages. Raises NotFound."""
    found = await _numbered(tx, caller, number)
    return ConversationPage([found], await load_related(tx, [found], PARTS))


@read_tx
async def get(tx: Tx, actor: Actor, caller: ContactCaller, number: int) -> Conversation:
    """One conversation. Raises NotFound."""
    return await _numbered(tx, caller, number)


@read_tx
async def message_page(
    tx: Tx,
    actor: Actor,
    caller: ContactCaller,
    number: int,
    before: int | None = None,
    after: int | None = None,
) -> ConversationPage:
    """A page of a conversation's messages, oldest first: the newest ones, those before the message
    with the number `before`, or the first ones after the number `after`. Raises NotFound."""
    found = await _numbered(tx, caller, number)
    f = MessageFilter(
        said_only=True,
        before_seq=None if before is None else await _below(tx, found, before) + 1,
        after_seq=None if after is None else await _below(tx, found, after + 1),
        oldest_first=after is not None,
    )
    items = (await message_lists.find_page(tx, found.id, f, Window(PAGE))).items
    contacts = {m.sender_id for m in items if m.sender_id and m.sender_kind == "contact"}
    others = [*contacts - {caller.contact_at_inbox[1].id}]
    people = await identities.get_by_ids(tx, others) if others else {}
    messages_shown = items if f.oldest_first else items[::-1]
    return ConversationPage([found], Related(messages={found.id: messages_shown}, people=people))


@read_tx
async def for_sending(
    tx: Tx, actor: Actor, caller: ContactCaller, number: int, now: int, client_key: str | None
) -> Conversation:
    """One conversation that the contact may write in `now` (µs).

    Raises Forbidden for a contact that is blocked, NotFound, and Invalid("base") for too many
    messages within a minute (inbox.md, F): a retry, under the key of a stored message, is none.
    """
    access.check_not_blocked(caller.contact_at_inbox[1])
    found = await _numbered(tx, caller, number)
    if client_key is not None and await messages.has_key(tx, found.id, client_key):
        return found
    if found.last_seq >= MAX_MESSAGES_PER_MINUTE:
        # `seq` has no gaps: if that message is younger than a minute, so are all after it.
        first = await messages.get_by_seq(
            tx, found.id, found.last_seq - MAX_MESSAGES_PER_MINUTE + 1
        )
        if first is not None and first.created_at > now - MINUTE:
            raise Invalid("base", "too_many", "Too many messages")
    return found


@write_tx
async def open_(
    tx: Tx,
    now: int,
    actor: Actor,
    caller: ContactCaller,
    custom_attributes: dict[str, object],
    admit: Callable[[], None] = no_budget,
) -> Conversation:
    """Open a conversation, or return the existing one where the inbox has one for each contact
    (inbox.md, F) or the contact is blocked. `admit` is called before one is opened, and may refuse.

    Raises Invalid("custom_attributes").
    """
    contact_inbox, contact = caller.contact_at_inbox
    check_attributes(custom_attributes)
    # Locked, so that concurrent requests do not open two in an inbox with one for each contact.
    locked = (await identities.lock(tx, [contact.id])).get(contact.id)
    if locked is None or locked.removed_at is not None:
        raise NotFound("contact")
    if caller.inbox.single_conversation or locked.blocked:
        there = [c for c in await rows.of_owner(tx, contact.id) if opened_through(contact_inbox, c)]
        if there:
            return there[-1]
    admit()
    new = NewConversation(
        status=_first_status(locked.blocked, caller.inbox.responder_id),
        inbox_id=caller.inbox.id,
        owner_id=contact.id,
        source_id=contact_inbox.source_id,
        custom_attributes=json_text(custom_attributes),
    )
    await identities.change(tx, structs.replace(locked, last_activity_at=now))
    await record_event(tx, now, "identity.updated", contact.id, what="contact")
    return await conversations.create_tx(tx, now, actor, new)


@write_tx
async def resolve(tx: Tx, now: int, actor: Actor, caller: ContactCaller, number: int) -> None:
    """Close a conversation; idempotent. Raises NotFound."""
    found = await rows.lock(tx, (await _numbered(tx, caller, number)).id)
    if found is None:
        raise NotFound("conversation")
    closing = conversations.ConversationChanges(status="closed")
    await conversations.change_tx(tx, now, actor, found, closing)


@write_tx
async def mark_read(tx: Tx, now: int, actor: Actor, caller: ContactCaller, number: int) -> None:
    """The contact has seen everything in a conversation up to now; of a contact that is blocked it
    is not stored. Raises NotFound."""
    unlocked = await _numbered(tx, caller, number)
    if caller.contact_at_inbox[1].blocked:
        return
    found = await rows.lock(tx, unlocked.id)
    if found is None:
        raise NotFound("conversation")
    await rows.seen_by_contact(tx, found.id, max(now, found.contact_seen_at or 0))
    newest = await messages.get_by_seq(tx, found.id, found.last_public_seq)
    mark = (found.last_seq, found.public_count, newest.id if newest else None)
    await participants.mark_read(tx, found.id, caller.contact_at_inbox[1].id, mark)
    await record_event(
        tx, now, "conversation.read", caller.contact_at_inbox[1].id,
        conversation_id=found.id, seq=found.last_seq,
    )  # fmt: skip


async def _below(tx: Tx, found: Conversation, number: int) -> int:
    return await message_numbers.below(tx, found.id, number)


async def _numbered(tx: Tx, caller: ContactCaller, number: int) -> Conversation:
    found = await rows.get_by_number(tx, number)
    if (
        found is None
        or found.removed_at is not None
        or not may_see_conversation(*caller.contact_at_inbox, found)
    ):
        raise NotFound("conversation")
    return found


def _first_status(blocked: bool, responder_id: str | None) -> Status:
    if blocked:
        return "closed"
    return "open" if responder_id is None else "pending"
