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
    until = {each.conversation_id: each for each in ranges}
    count, changed, file_ids = 0, list[tuple[Conversation, str | None]](), list[str]()
    for before in found:
        of = until.get(before.id)
        gone = await deletion.delete_messages(tx, before.id, of.seq) if of else []
        if of is None or not gone:
            continue
        after = _without(before, gone)
        changed.append((after, folded_or_none(after.last_content)))
        count += len(gone)
        file_ids += of.file_ids
    if not changed:
        return DeletedBatch()
    await deletion.save_heads(tx, changed)
    places = [(c.id, c.deleted_seq) for c, _ in changed]
    await deletion.delete_events(tx, places)
    await deletion.erase_attempts(tx, places)
    removed = await files.delete_many(tx, file_ids) if file_ids else []
    size = sum(file.size for file in removed)
    return DeletedBatch(RetentionCounts(messages=count, files=len(removed), bytes=size), removed)


def _without(before: Conversation, gone: list[DeletedMessage]) -> Conversation:
    """The conversation without its oldest messages; its place in lists stays."""
    after = structs.replace(
        before,
        deleted_seq=max(m.seq for m in gone),
        deleted_public=max(m.public_seq for m in gone),
    )
    left = after.public_message_count
    if left == 0:
        return structs.replace(after, **_NO_LAST, **_NO_PREVIOUS)
    return structs.replace(after, **_NO_PREVIOUS) if left == 1 else after
