"""The entities around conversations, loaded in a few statements however many there are."""

from koine.engine.auth import access
from koine.kit.ids import distinct_ids
from koine.model.conversation import Conversation
from koine.model.message import Message
from koine.model.related import Include, LastSenders, Related
from koine.store.contacts import inboxes
from koine.store.conversations import message_lists, messages, participants, tickets
from koine.store.core.db import Tx
from koine.store.people import identities

MAX_CHARACTERS = 4 << 20
"""How many characters the messages of one response have: the newest ones. The older ones are
returned by pages of messages."""
FEW_MESSAGES = 28
"""So many messages cannot exceed MAX_CHARACTERS, each having at most 150,000: no need to count."""


async def load_related(tx: Tx, items: list[Conversation], parts: frozenset[Include]) -> Related:
    """Load these parts for all of the conversations. `readers`, who may read the messages, is
    always loaded: the caller must respect it."""
    if not items:
        return Related()
    readers = await access.support_readers(tx, items)
    if not parts:
        return Related(readers=readers)
    ids = [c.id for c in items]
    latest = await _latest(tx, items) if "latest" in parts else {}
    by_conversation = await _messages(tx, items) if "messages" in parts else {}
    shown = [m for each in by_conversation.values() for m in each]
    owners = distinct_ids(c.owner_id for c in items)
    return Related(
        participants=await participants.of(tx, ids) if "participants" in parts else {},
        latest=latest,
        messages=by_conversation,
        people=await identities.get_by_ids(tx, _people(items, shown)) if "people" in parts else {},
        inboxes=await inboxes.get_by_ids(tx, distinct_ids(c.inbox_id for c in items))
        if "inboxes" in parts
        else {},
        tickets=await tickets.latest_of(tx, ids) if "tickets" in parts else {},
        versions=await identities.versions_by_id(
            tx, distinct_ids(c.responder_version_id for c in items)
        )
        if "versions" in parts
        else {},
        contact_inboxes=await inboxes.contact_inboxes_of(tx, owners)
        if "contact_inboxes" in parts
        else [],
        senders=await _senders(tx, items) if "senders" in parts else {},
        readers=readers,
    )


async def _messages(tx: Tx, items: list[Conversation]) -> dict[str, list[Message]]:
    ids = [c.id for c in items]
    if sum(c.public_message_count for c in items) <= FEW_MESSAGES:
        return await messages.public_of(tx, ids)
    return await message_lists.recent_public_of(tx, ids, MAX_CHARACTERS)


async def _latest(tx: Tx, items: list[Conversation]) -> dict[str, Message]:
    keys = [(c.id, c.last_public_seq) for c in items if c.last_public_seq]
    found = await messages.get_by_seqs(tx, keys) if keys else {}
    return {conversation_id: message for (conversation_id, _), message in found.items()}


async def _senders(tx: Tx, items: list[Conversation]) -> dict[str, LastSenders]:
    ids = [c.id for c in items if "user" in (c.last_sender_kind, c.previous_sender_kind)]
    return await messages.last_senders(tx, ids) if ids else {}


def _people(items: list[Conversation], shown: list[Message]) -> list[str]:
    return distinct_ids(
        [
            *(c.owner_id or c.created_by for c in items),
            *(who for c in items for who in (c.assignee_id, c.responder_id)),
            *(m.sender_id for m in shown),
        ]
    )
