"""Run a tenant's rules: delete what is older than its periods, in small batches, with pauses while
others write.

A batch is one transaction, which also counts itself in the row of the run: a run that is
interrupted anywhere is continued, by this process or another. It locks the tenant's row, so that a
legal hold that was placed is never overlooked.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from msgspec import structs

from koine.engine.auth import access
from koine.engine.conversations.files import delete_bytes
from koine.engine.core.engine import Engine
from koine.engine.core.recorder import record_audit
from koine.engine.retention import work
from koine.engine.retention.message_deletion import DeletedBatch
from koine.engine.retention.plan import Plan
from koine.kit import metrics
from koine.kit.json import json_text
from koine.kit.times import DAY, SECOND
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Unavailable
from koine.model.permissions import MANAGE_TENANT
from koine.model.retention import RetentionCounts, RetentionRun
from koine.store import tenants
from koine.store.core.db import Tx
from koine.store.retention import holds, rules, runs

EVERY = DAY
"""How often maintenance runs the rules of a tenant, µs."""
LEASE = 60 * SECOND
"""µs after which a run that did no batch has died, and another process may continue it."""
_log = structlog.get_logger("koine")


class OutOfTime(Exception):
    """The time for this run is over; the next one continues it."""


class Stopped(Exception):
    """Another process continues the run, or the tenant was held or suspended meanwhile."""


def no_progress(_counts: RetentionCounts) -> None:
    """Report nothing: the default where nobody watches a run."""


async def run_due(engine: Engine, seconds: float) -> RetentionCounts:
    """Run the rules of tenants whose last run began a day ago or was interrupted, for at most so
    many seconds; the next call does the rest."""
    until, counts = time.monotonic() + seconds, RetentionCounts()
    for tenant_id in sorted(await engine.db.read("", rules.tenants_with_rules)):
        last = await engine.db.read(tenant_id, runs.get)
        now = engine.clock.now()
        if last is not None and last.finished_at is not None and now - last.started_at < EVERY:
            continue
        running = _Run(engine, operator(tenant_id), until, no_progress)
        try:
            await running.go()
        except (Conflict, OutOfTime, Stopped):
            pass
        except Unavailable:
            raise
        except Exception:
            # Those of the other tenants, and what maintenance does after them, go on.
            _log.error("retention failed", tenant=tenant_id, exc_info=True)
        counts = counts.plus(running.deleted)
    return counts


async def run(
    engine: Engine, actor: Actor, progress: Callable[[RetentionCounts], None] = no_progress
) -> RetentionRun:
    """Run the tenant's rules now and to the end; an interrupted run is continued. `progress` is
    called after each batch with what this call has deleted.

    Raises Forbidden, Conflict("running" | "held" | "suspended").
    """
    access.require(actor, MANAGE_TENANT)
    running = _Run(engine, actor, None, progress)
    try:
        return await running.go()
    except Stopped:
        reason = "another took its place, or the tenant is held or suspended"
        raise Conflict("running", f"the run was stopped: {reason}") from None


async def make_plan(engine: Engine, tenant_id: str) -> Plan:
    """The tenant's rules as they are now."""
    found = await engine.db.read(tenant_id, rules.get)
    s = engine.settings
    return Plan(tenant_id, found, engine.clock.now(), s.event_keep_days, s.webhook_keep_days)


def counts_of(run: RetentionRun) -> RetentionCounts:
    """The counts of a run, decoded."""
    return msgspec.json.decode(run.counts, type=RetentionCounts)


class _Run:
    """One run, as far as this process does it."""

    def __init__(
        self,
        engine: Engine,
        actor: Actor,
        until: float | None,
        progress: Callable[[RetentionCounts], None],
    ) -> None:
        self._engine = engine
        self._actor = actor
        self._until = until
        self._progress = progress
        self.deleted = RetentionCounts()

    async def go(self) -> RetentionRun:
        """Begin or continue, and finish it."""
        engine, tenant_id = self._engine, self._actor.tenant_id
        self._run = await engine.db.write(tenant_id, _begin, engine.clock.now())
        plan = await make_plan(engine, tenant_id)
        await work.delete_all(engine, plan, self._run.after_id, self)
        done = await engine.db.write(tenant_id, _finish, engine.clock.now(), self._run, self._actor)
        counts = counts_of(done)
        if counts != RetentionCounts():
            _log.info("retention finished", tenant=tenant_id, **structs.asdict(counts))
        return done

    async def batch(
        self, body: Callable[..., Awaitable[DeletedBatch]], *args: Any
    ) -> RetentionCounts:
        """Run one batch in a transaction, then delete the bytes of its files; returns what it has
        deleted. Raises OutOfTime, Stopped."""
        if self._until is not None and time.monotonic() >= self._until:
            raise OutOfTime
        engine, tenant_id = self._engine, self._actor.tenant_id
        done, self._run = await engine.db.write(
            tenant_id, _batch, engine.clock.now(), self._run, body, args
        )
        await delete_bytes(engine, done.files)
        self.deleted = self.deleted.plus(done.counts)
        for name, count in structs.asdict(done.counts).items():
            if count and name != "bytes":
                metrics.RETENTION_DELETED.labels(name).inc(count)
        self._progress(self.deleted)
        return done.counts

    async def passed(self, conversation_id: str) -> None:
        """Save that all conversations up to this one are done. Raises OutOfTime, Stopped."""
        self._run = structs.replace(self._run, after_id=conversation_id)
        await self.batch(_nothing)


async def _nothing(_tx: Tx, _now: int) -> DeletedBatch:
    return DeletedBatch()


async def _begin(tx: Tx, now: int) -> RetentionRun:
    tenant = await tenants.lock(tx)
    if tenant is None or tenant.suspended_at is not None:
        raise Conflict("suspended", "nothing of a suspended tenant is deleted")
    if await holds.get(tx, tx.tenant_id) is not None:
        raise Conflict("held", "a legal hold keeps everything of the tenant")
    before = await runs.get(tx)
    if before is None or before.finished_at is not None:
        fresh = RetentionRun(now, None, now + LEASE, None, json_text(RetentionCounts()))
    elif before.lease_until > now:
        raise Conflict("running", "a run of this tenant is going on")
    else:
        # Another time of the start: what the process that died may still do finds its run gone.
        again = max(now, before.started_at + 1)
        fresh = structs.replace(before, started_at=again, lease_until=now + LEASE)
    await runs.save(tx, fresh)
    return fresh


async def _batch(
    tx: Tx,
    now: int,
    run: RetentionRun,
    body: Callable[..., Awaitable[DeletedBatch]],
    args: tuple[Any, ...],
) -> tuple[DeletedBatch, RetentionRun]:
    tenant = await tenants.lock(tx)
    if tenant is None or tenant.suspended_at is not None:
        raise Stopped
    if await holds.get(tx, tx.tenant_id) is not None:
        raise Stopped
    done = await body(tx, now, *args)
    counts = counts_of(run).plus(done.counts)
    after = structs.replace(run, lease_until=now + LEASE, counts=json_text(counts))
    if not await runs.save_progress(tx, after):
        raise Stopped
    return done, after


async def _finish(tx: Tx, now: int, run: RetentionRun, actor: Actor) -> RetentionRun:
    done = structs.replace(run, finished_at=now, lease_until=now, after_id=None)
    if await runs.save_progress(tx, done):
        counts = counts_of(done)
        if counts != RetentionCounts():
            await record_audit(
                tx, now, actor, "run_retention", "tenant", tx.tenant_id, deleted=counts
            )
    return done
