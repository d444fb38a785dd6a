"""Delete the oldest messages of conversations: one batch is one transaction.

Nothing but the numbers of deleted messages is left: the conversation remembers up to which `seq`,
so that its totals and unread counts stay right. No event says so, as that would be an event for
each message; the events of the messages themselves are deleted with them.
"""

from msgspec import Struct, structs

from koine.model.conversation import Conversation
from koine.model.retention import RetentionCounts
from koine.store.conversations import files
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.core.text_folding import folded_or_none
from koine.store.retention import deletion
from koine.store.retention.deletion import DeletedMessage

_NO_LAST = {"last_content": None, "last_sender_kind": None, "last_message_at": None}
_NO_PREVIOUS = {
    "previous_content": None,
    "previous_sender_kind": None,
    "previous_message_at": None,
}


class MessageRange(Struct, frozen=True):
    """The messages of a conversation up to `seq`, and the files that nothing refers to without
    them."""

    conversation_id: str
    seq: int
    file_ids: list[str] = []


class DeletedBatch(Struct, frozen=True):
    """What one transaction has deleted; the bytes of `files` are to be deleted now."""

    counts: RetentionCounts = RetentionCounts()
    files: list[StoredFile] = []


async def delete_ranges_tx(
    tx: Tx, found: list[Conversation], ranges: list[MessageRange]
) -> DeletedBatch:
    """Delete ranges of messages of locked conversations; those of others are left out."""
    locked = {each.id: each for each in found}
    wanted = [each for each in ranges if each.conversation_id in locked]
    places = [(each.conversation_id, each.seq) for each in wanted]
    gone = await deletion.delete_messages(tx, places) if places else []
    if not gone:
        return DeletedBatch()
    changed = _without(locked, gone)
    file_ids = [file_id for each in wanted for file_id in each.file_ids]
    await deletion.save_heads(tx, changed)
    await deletion.delete_events(tx, places)
    await deletion.erase_attempts(tx, places)
    removed = await files.delete_many(tx, file_ids) if file_ids else []
    size = sum(file.size for file in removed)
    return DeletedBatch(
        RetentionCounts(messages=len(gone), files=len(removed), bytes=size), removed
    )


def _without(
    locked: dict[str, Conversation], gone: list[DeletedMessage]
) -> list[tuple[Conversation, str | None]]:
    """The conversations without their oldest messages, in the order of ids, each with the folded
    text of its preview; their places in lists stay."""
    last: dict[str, DeletedMessage] = {}
    for each in gone:
        known = last.setdefault(each.conversation_id, each)
        if each.seq > known.seq:
            last[each.conversation_id] = each
    changed = []
    for conversation_id, of in sorted(last.items()):
        after = structs.replace(
            locked[conversation_id], deleted_seq=of.seq, deleted_public=of.public_seq
        )
        left = after.public_message_count
        if left == 0:
            after = structs.replace(after, **_NO_LAST, **_NO_PREVIOUS)
        elif left == 1:
            after = structs.replace(after, **_NO_PREVIOUS)
        changed.append((after, folded_or_none(after.last_content)))
    return changed
