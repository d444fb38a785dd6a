"""Count what a run would delete, without deleting anything."""

from koine.engine.auth import access
from koine.engine.core.engine import Engine
from koine.engine.retention import plan as planning
from koine.engine.retention.plan import FOREVER, Plan
from koine.engine.retention.runs import make_plan
from koine.kit.ids import NIL_ID
from koine.model.actor import Actor
from koine.model.permissions import MANAGE_TENANT
from koine.model.retention import RetentionCounts
from koine.store.retention import due, entries, holds
from koine.store.retention.due import OldFile

_PAGE = 500


async def count(engine: Engine, actor: Actor) -> RetentionCounts:
    """What `run` would delete now. It reads everything that is due. Raises Forbidden."""
    access.require(actor, MANAGE_TENANT)
    plan = await make_plan(engine, actor.tenant_id)
    if await engine.db.read(plan.tenant_id, holds.get, plan.tenant_id) is not None:
        return RetentionCounts()
    counts = RetentionCounts()
    if plan.ends_conversations or plan.deletes_messages:
        async for window in planning.windows(engine, plan, NIL_ID):
            counts = counts.plus(await _count_window(engine, plan, window))
    counts = counts.plus(await _count_files(engine, plan))
    return counts.plus(await _count_entries(engine, plan))


async def _count_window(engine: Engine, plan: Plan, window: tuple[str, str]) -> RetentionCounts:
    counts, ended = RetentionCounts(), set[str]()
    if plan.ends_conversations:
        async for page in planning.ended(engine, plan, window):
            ids = [d.conversation_id for d in page]
            ended.update(ids)
            found = await engine.db.read_long(plan.tenant_id, due.old_files_of, ids, FOREVER)
            messages = sum(d.last_seq - d.deleted_seq for d in page)
            counts = counts.plus(RetentionCounts(messages=messages, conversations=len(page)))
            counts = counts.plus(_files(plan, found))
    if plan.deletes_messages:
        async for page in planning.with_old_messages(engine, plan, window):
            left = [d for d in page if d.conversation_id not in ended]
            for planned in await planning.ranges(engine, plan, left, FOREVER):
                counts = counts.plus(RetentionCounts(messages=planned.size))
                counts = counts.plus(_files(plan, planned.files))
    return counts


def _files(plan: Plan, found: list[OldFile]) -> RetentionCounts:
    """The counts of files that go with their messages, but for those that are too old themselves:
    these are counted once, by `_count_files`."""
    too_old = plan.before(plan.periods.files) or 0
    counted = [file for file in found if file.created_at >= too_old]
    return RetentionCounts(files=len(counted), bytes=sum(file.size for file in counted))


async def _count_files(engine: Engine, plan: Plan) -> RetentionCounts:
    counts, after = RetentionCounts(), NIL_ID
    before = plan.before(plan.periods.files)
    while before is not None and (
        found := await engine.db.read_long(plan.tenant_id, due.old_files, after, before, _PAGE)
    ):
        size = sum(file.size for file in found)
        counts = counts.plus(RetentionCounts(files=len(found), bytes=size))
        after = found[-1].id
    return counts


async def _count_entries(engine: Engine, plan: Plan) -> RetentionCounts:
    db, tenant_id = engine.db, plan.tenant_id
    audit = events = deliveries = 0
    if plan.audit_before is not None:
        audit = await db.read_long(tenant_id, entries.count_audit_before, plan.audit_before)
    if plan.events_before is not None:
        events = await db.read_long(tenant_id, entries.count_events_before, plan.events_before)
    if plan.deliveries_before is not None:
        for endpoint_id in await db.read(tenant_id, entries.endpoints):
            deliveries += await db.read_long(
                tenant_id, entries.count_deliveries_before, endpoint_id, plan.deliveries_before
            )
    return RetentionCounts(events=events, webhook_deliveries=deliveries, audit_entries=audit)
