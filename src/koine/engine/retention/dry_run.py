"""Count what a run would delete, without deleting anything."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from msgspec import Struct

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.core.search_slots import search_slot
from koine.engine.retention import plan as planning
from koine.engine.retention.plan import FOREVER, Plan
from koine.engine.retention.runs import make_plan
from koine.kit.ids import NIL_ID
from koine.model.actor import Actor
from koine.model.permissions import MANAGE_TENANT
from koine.model.retention import RetentionCounts
from koine.store.retention import due, entries, holds
from koine.store.retention.due import OldFile

LONGEST_SECONDS = 10.0
"""How long `count_some` counts, in seconds: as long as a search may run."""
_PAGE = 500


class DryRun(Struct, frozen=True):
    """What a run would delete; at least that, where it is not `complete`."""

    counts: RetentionCounts
    complete: bool


async def count(engine: Engine, actor: Actor) -> RetentionCounts:
    """What `run` would delete now. It reads everything that is due. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    counts = RetentionCounts()
    async for found in _found(engine, await make_plan(engine, actor.tenant_id)):
        counts = counts.plus(found)
    return counts


async def count_some(engine: Engine, actor: Actor, seconds: float = LONGEST_SECONDS) -> DryRun:
    """As `count`, as a search: it waits for a slot, and ends with what it has counted when it has
    taken so many seconds. Raises Forbidden, Unavailable when too many wait."""
    access.require(actor, MANAGE_TENANT)
    counts, plan = RetentionCounts(), await make_plan(engine, actor.tenant_id)
    async with search_slot(engine.search_slots, actor), aclosing(_found(engine, plan)) as every:
        until = time.monotonic() + seconds
        async for found in every:
            counts = counts.plus(found)
            if time.monotonic() >= until:
                return DryRun(counts, complete=False)
    return DryRun(counts, complete=True)


async def _found(engine: Engine, plan: Plan) -> AsyncGenerator[RetentionCounts, None]:
    """What a run would delete, in parts: their sum is all of it. Each takes some statements."""
    if await engine.db.read(plan.tenant_id, holds.get, plan.tenant_id) is not None:
        return
    if plan.ends_conversations or plan.deletes_messages:
        async for window in planning.windows(engine, plan, NIL_ID):
            yield RetentionCounts()  # a window without anything to delete takes its time, too
            async for found in _in_window(engine, plan, window):
                yield found
    async for found in _files_of_their_own(engine, plan):
        yield found
    async for found in _entries(engine, plan):
        yield found


async def _in_window(
    engine: Engine, plan: Plan, window: tuple[str, str]
) -> AsyncIterator[RetentionCounts]:
    ended = set[str]()
    if plan.ends_conversations:
        async for page in planning.ended(engine, plan, window):
            ids = [d.conversation_id for d in page]
            ended.update(ids)
            found = await engine.db.read_long(plan.tenant_id, due.old_files_of, ids, FOREVER)
            messages = sum(d.last_seq - d.deleted_seq for d in page)
            yield _files(plan, found).plus(
                RetentionCounts(messages=messages, conversations=len(page))
            )
    if plan.deletes_messages:
        async for page in planning.with_old_messages(engine, plan, window):
            left = [d for d in page if d.conversation_id not in ended]
            for planned in await planning.ranges(engine, plan, left, FOREVER):
                yield _files(plan, planned.files).plus(RetentionCounts(messages=planned.size))


def _files(plan: Plan, found: list[OldFile]) -> RetentionCounts:
    """The counts of files that go with their messages, but for those that are too old themselves:
    these are counted once, by `_files_of_their_own`."""
    too_old = plan.before(plan.periods.files) or 0
    counted = [file for file in found if file.created_at >= too_old]
    return RetentionCounts(files=len(counted), bytes=sum(file.size for file in counted))


async def _files_of_their_own(engine: Engine, plan: Plan) -> AsyncIterator[RetentionCounts]:
    after, before = NIL_ID, plan.before(plan.periods.files)
    while before is not None and (
        found := await engine.db.read_long(plan.tenant_id, due.old_files, after, before, _PAGE)
    ):
        yield RetentionCounts(files=len(found), bytes=sum(file.size for file in found))
        after = found[-1].id


async def _entries(engine: Engine, plan: Plan) -> AsyncIterator[RetentionCounts]:
    db, tenant_id = engine.db, plan.tenant_id
    if plan.audit_before is not None:
        audit = await db.read_long(tenant_id, entries.count_audit_before, plan.audit_before)
        yield RetentionCounts(audit_entries=audit)
    if plan.events_before is not None:
        events = await db.read_long(tenant_id, entries.count_events_before, plan.events_before)
        yield RetentionCounts(events=events)
    if plan.deliveries_before is not None:
        for endpoint_id in await db.read(tenant_id, entries.endpoints):
            deliveries = await db.read_long(
                tenant_id, entries.count_deliveries_before, endpoint_id, plan.deliveries_before
            )
            yield RetentionCounts(webhook_deliveries=deliveries)
