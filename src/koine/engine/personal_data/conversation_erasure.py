"""Erase what a conversation holds of people, a batch of messages in each transaction.

The conversation is locked, so what is sent to it waits; since the people are blocked before,
nothing more of them is stored in it.
"""

from typing import Any

import msgspec
from msgspec import Struct, structs

from koine.engine.conversations.delivery_conversations import title_tx
from koine.engine.core.recorder import record_event
from koine.kit.json import json_text
from koine.kit.times import MINUTE
from koine.model.conversation import PREVIEW_LENGTH, Conversation
from koine.model.message import Attachment
from koine.model.personal_data import ErasureCounts, MessagePolicy
from koine.store import deliveries
from koine.store.conversations import conversations, files, messages
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.personal_data import contents, traces
from koine.store.personal_data.contents import ANSWERS, SentMessage

BATCH_SIZE = 100
"""Messages that are emptied in one transaction."""
UNSENT_AFTER = 10 * MINUTE
"""A file that no message has after this time (µs) was left behind by a request that failed."""
_attachments = msgspec.json.Decoder(list[Attachment])
_FREE_TEXTS = ("title", "metadata", "custom_attributes", "labels")
_EMPTY: dict[str, Any] = {
    "title": None, "metadata": None, "custom_attributes": "{}", "labels": "[]", "source_id": None,
}  # fmt: skip


class ErasedBatch(Struct, frozen=True):
    """What one transaction has erased. `after_seq` is where the next one continues, None when the
    conversation is done; the bytes of `files` are to be deleted now."""

    counts: ErasureCounts
    files: list[StoredFile] = []
    after_seq: int | None = None


async def erase_tx(
    tx: Tx, now: int, ids: list[str], policy: MessagePolicy, place: tuple[str, int]
) -> ErasedBatch:
    """Erase the next batch of messages of these people, after `place` (the conversation and a
    `seq`), and with the last one everything else that the conversation holds of them."""
    conversation_id, after_seq = place
    found = await conversations.lock(tx, conversation_id)
    if found is None:
        return ErasedBatch(ErasureCounts())
    counts, gone = ErasureCounts(), list[StoredFile]()
    if policy == "erase":
        batch = await contents.sent(tx, found.id, ids, after_seq, BATCH_SIZE)
        counts, gone = await _empty(tx, now, found, batch)
        if len(batch) == BATCH_SIZE:
            return ErasedBatch(counts, gone, batch[-1].seq)
    if policy == "erase" and found.owner_id in ids:
        counts = counts.plus(await _forget_answers(tx, now, found))
        unsent = await _delete_unsent(tx, now, found)
        counts, gone = counts.plus(ErasureCounts(files=len(unsent))), gone + unsent
    await _change_row(tx, now, found, ids, policy)
    attempts = await traces.erase_attempts_of(tx, found.id)
    return ErasedBatch(counts.plus(ErasureCounts(conversations=1, attempts=attempts)), gone)


async def _empty(
    tx: Tx, now: int, found: Conversation, batch: list[SentMessage]
) -> tuple[ErasureCounts, list[StoredFile]]:
    """Empty the messages and delete their files; readers receive an event for each message."""
    if not batch:
        return ErasureCounts(), []
    file_ids = [
        each.id for m in batch if m.attachments for each in _attachments.decode(m.attachments)
    ]
    gone = await files.delete_many(tx, file_ids)
    count = await contents.empty(tx, found.id, [m.seq for m in batch], max(now, found.updated_at))
    events = await contents.empty_events(tx, found.id, [m.id for m in batch])
    for m in batch:
        await record_event(
            tx, now, "message.updated", m.id, conversation_id=found.id, seq=m.seq,
            audience="staff" if m.private else "everyone",
        )  # fmt: skip
    return ErasureCounts(messages=count, files=len(gone), events=events), gone


async def _forget_answers(tx: Tx, now: int, found: Conversation) -> ErasureCounts:
    """Remove what the owner filled into forms and surveys that others sent."""
    count, after_seq = 0, 0
    while batch := await contents.answered(tx, found.id, after_seq, BATCH_SIZE):
        after_seq = batch[-1].seq
        for each in batch:
            values = msgspec.json.decode(each.content_attributes, type=dict[str, object])
            message = await messages.get_by_seq(tx, found.id, each.seq)
            if values.pop(ANSWERS, None) is None or message is None:
                continue
            await messages.set_content_attributes(tx, message, json_text(values), now)
            await record_event(
                tx, now, "message.updated", each.id, conversation_id=found.id, seq=each.seq
            )
            count += 1
    return ErasureCounts(answers=count)


async def _delete_unsent(tx: Tx, now: int, found: Conversation) -> list[StoredFile]:
    stored = await contents.file_ids(tx, found.id, now - UNSENT_AFTER)
    if not stored:
        return []
    texts = await contents.attachments_of(tx, found.id)
    sent = {each.id for text in texts for each in _attachments.decode(text)}
    return await files.delete_many(tx, [each for each in stored if each not in sent])


async def _change_row(
    tx: Tx, now: int, before: Conversation, ids: list[str], policy: MessagePolicy
) -> None:
    """The previews follow the messages. Of a conversation that one of the people owns, what anybody
    wrote about it goes with the messages, and always the contact inbox that it came through."""
    values: dict[str, Any] = {}
    if before.owner_id in ids:
        values = dict(_EMPTY) if policy == "erase" else {"source_id": None}
    if before.delivery_id is not None:
        values |= await _delivery_title(tx, before, ids, policy)
    if policy == "erase":
        newest, previous = await contents.newest_contents(tx, before.id)
        values |= {"last_content": _preview(newest), "previous_content": _preview(previous)}
    changed = {name for name, value in values.items() if getattr(before, name) != value}
    if not changed:
        return
    after = structs.replace(before, **values, updated_at=max(now, before.updated_at + 1))
    await conversations.change(tx, before, after)
    # The names of what changed alone: an event must not repeat the texts that are erased.
    names = [name for name in _FREE_TEXTS if name in changed]
    if names:
        await record_event(
            tx, now, "conversation.updated", after.id, conversation_id=after.id,
            changed=dict.fromkeys(names), previous=dict.fromkeys(names),
            then={"status": after.status, "assignee_id": after.assignee_id},
        )  # fmt: skip


async def _delivery_title(
    tx: Tx, found: Conversation, ids: list[str], policy: MessagePolicy
) -> dict[str, Any]:
    """The title that the server made of the customer's name, made again."""
    delivery = await deliveries.get(tx, found.delivery_id or "")
    if delivery is None or delivery.customer_id not in ids:
        return {}
    title = await title_tx(tx, delivery)
    start = title.rpartition(" - ")[0]
    is_made = (found.title or "").startswith(f"{start} - ")
    return {"title": title} if is_made or policy == "erase" else {}


def _preview(text: str | None) -> str | None:
    return None if text is None else text[:PREVIEW_LENGTH]
