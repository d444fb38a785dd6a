"""The work of a run, in its order: conversations that ended, old messages, files, and entries of
the logs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol, TypeVar

from koine.engine.conversations.conversations import delete_tx
from koine.engine.core.engine import Engine
from koine.engine.core.pace import Pace
from koine.engine.retention import plan as planning
from koine.engine.retention.message_deletion import (
    DeletedBatch,
    MessageRange,
    delete_ranges_tx,
)
from koine.engine.retention.plan import Plan, PlannedRange
from koine.kit.ids import NIL_ID
from koine.model.conversation import Conversation
from koine.model.retention import RetentionCounts
from koine.store.conversations import files
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.events import event_log_state
from koine.store.retention import deletion, due, entries, holds
from koine.store.retention.due import Due, OldFile
from koine.store.webhooks import delivery_log

T = TypeVar("T")
BATCH_SIZE = 2000
"""Messages, or rows of another kind, that are deleted in one transaction."""
MOST_CONVERSATIONS = 20
"""Conversations that are deleted in one transaction."""
REST = 8.0
"""While others write, a pause is so many times as long as the batch before it took."""
LEAST_REST = 0.001
"""Seconds between two batches."""


class Batches(Protocol):
    """Runs batches, one transaction each."""

    async def batch(
        self, body: Callable[..., Awaitable[DeletedBatch]], *args: Any
    ) -> RetentionCounts:
        """Run one; returns what it has deleted."""

    async def passed(self, conversation_id: str) -> None:
        """All conversations up to this one are done."""


async def delete_all(engine: Engine, plan: Plan, after: str | None, batches: Batches) -> None:
    """Delete all that is due, of the conversations after `after`."""
    done = _Deletion(engine, plan, batches)
    if plan.ends_conversations or plan.deletes_messages:
        async for window in planning.windows(engine, plan, after or NIL_ID):
            if plan.ends_conversations:
                async for page in planning.ended(engine, plan, window):
                    await done.end(page)
            if plan.deletes_messages:
                async for page in planning.with_old_messages(engine, plan, window):
                    await done.trim(page)
            await batches.passed(window[1])
    await done.delete_files()
    await done.delete_entries()


class _Deletion:
    """Deletes what was planned."""

    def __init__(self, engine: Engine, plan: Plan, batches: Batches) -> None:
        self._engine = engine
        self._plan = plan
        self._batches = batches
        self._pace = Pace(engine, REST)

    async def end(self, found: list[Due]) -> None:
        """Delete conversations as a whole. Of large ones the messages go before, in batches."""
        await self.trim(
            [d._replace(before=planning.FOREVER) for d in found if _size(d) > BATCH_SIZE],
            {d.conversation_id: d.before for d in found},
        )
        for group in _groups(found, lambda d: min(_size(d), BATCH_SIZE), MOST_CONVERSATIONS):
            await self._batch(_end, {d.conversation_id: d.before for d in group})

    async def trim(self, found: list[Due], ended_before: dict[str, int] | None = None) -> None:
        """Delete messages; with `ended_before` only of conversations that ended before."""
        while found:
            planned = await planning.ranges(self._engine, self._plan, found, BATCH_SIZE)
            for group in _groups(planned, _range_size, BATCH_SIZE):
                await self._batch(_trim, [each.range for each in group], ended_before)
            found = [each.rest for each in planned if each.size == BATCH_SIZE]

    async def delete_files(self) -> None:
        """Delete files that are too old; the messages stay."""
        before, after = self._plan.before(self._plan.periods.files), NIL_ID
        while before is not None and (
            found := await self._engine.db.read_long(
                self._plan.tenant_id, due.old_files, after, before, BATCH_SIZE
            )
        ):
            await self._batch(_delete_files, found)
            after = found[-1].id

    async def delete_entries(self) -> None:
        """Delete old entries of the audit log, and events and webhook deliveries where the tenant
        has periods of its own."""
        tenant_id, plan = self._plan.tenant_id, self._plan
        if plan.audit_before is not None:
            await self._while_full(_delete_audit, plan.audit_before)
        if plan.events_before is not None:
            await self._while_full(_delete_events, plan.events_before)
        if plan.deliveries_before is not None:
            for endpoint_id in await self._engine.db.read(tenant_id, entries.endpoints):
                await self._while_full(_delete_deliveries, plan.deliveries_before, endpoint_id)

    async def _while_full(
        self, body: Callable[..., Awaitable[DeletedBatch]], *args: object
    ) -> None:
        while await self._batch(body, *args) != RetentionCounts():
            pass

    async def _batch(
        self, body: Callable[..., Awaitable[DeletedBatch]], *args: object
    ) -> RetentionCounts:
        counts = await self._batches.batch(body, *args)
        await asyncio.sleep(LEAST_REST)
        await self._pace.rest()
        return counts


async def _trim(
    tx: Tx, now: int, ranges: list[MessageRange], ended_before: dict[str, int] | None
) -> DeletedBatch:
    found = await _deletable(tx, [each.conversation_id for each in ranges], ended_before)
    return await delete_ranges_tx(tx, found, ranges)


async def _end(tx: Tx, now: int, ended_before: dict[str, int]) -> DeletedBatch:
    """Delete conversations that are still ended."""
    counts, gone = RetentionCounts(), list[StoredFile]()
    for found in await _deletable(tx, list(ended_before), ended_before):
        messages, stored = await delete_tx(tx, now, found)
        size = sum(file.size for file in stored)
        counts = counts.plus(
            RetentionCounts(messages=messages, conversations=1, files=len(stored), bytes=size)
        )
        gone += stored
    return DeletedBatch(counts, gone)


async def _deletable(
    tx: Tx, ids: list[str], ended_before: dict[str, int] | None
) -> list[Conversation]:
    """Those of these conversations, locked, that are not held, and ended where they have to be."""
    found = await deletion.lock(tx, ids)
    held = await holds.held_among(tx, ids)
    return [
        c
        for c in found
        if c.id not in held and (ended_before is None or _has_ended(c, ended_before[c.id]))
    ]


def _has_ended(c: Conversation, before: int) -> bool:
    return (c.status == "closed" or c.removed_at is not None) and c.last_activity_at < before


async def _delete_files(tx: Tx, now: int, found: list[OldFile]) -> DeletedBatch:
    ids = sorted({file.conversation_id for file in found if file.conversation_id is not None})
    held = await holds.held_among(tx, ids)
    gone = await files.delete_many(tx, [f.id for f in found if f.conversation_id not in held])
    size = sum(file.size for file in gone)
    return DeletedBatch(RetentionCounts(files=len(gone), bytes=size), gone)


async def _delete_audit(tx: Tx, now: int, before: int) -> DeletedBatch:
    count = await entries.delete_audit_before(tx, before, BATCH_SIZE)
    return DeletedBatch(RetentionCounts(audit_entries=count))


async def _delete_events(tx: Tx, now: int, before: int) -> DeletedBatch:
    count = await event_log_state.delete_of_tenant_before(tx, before, BATCH_SIZE)
    return DeletedBatch(RetentionCounts(events=count))


async def _delete_deliveries(tx: Tx, now: int, before: int, endpoint_id: str) -> DeletedBatch:
    count = await delivery_log.delete_oldest(tx, endpoint_id, before, BATCH_SIZE)
    return DeletedBatch(RetentionCounts(webhook_deliveries=count))


def _size(d: Due) -> int:
    return d.last_seq - d.deleted_seq


def _range_size(planned: PlannedRange) -> int:
    return planned.size


def _groups(items: list[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """The items in groups of at most BATCH_SIZE by size, and at most `most` items."""
    group, total = list[T](), 0
    for item in items:
        if group and (len(group) >= most or total + size(item) > BATCH_SIZE):
            yield group
            group, total = [], 0
        group.append(item)
        total += size(item)
    if group:
        yield group
