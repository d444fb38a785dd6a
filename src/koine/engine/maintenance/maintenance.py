"""Periodic work, done by one node at a time: delete what expired, and files without a row; encrypt
HMAC tokens that nodes of an older version stored in clear text.

Each process that serves runs `maintenance_jobs`. In each interval the first node to write its
number into the database does the work, and the others skip it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from msgspec import Struct, to_builtins

from koine.engine import offboarding, sealed_secrets, tenant_deletion, unassignment
from koine.engine.archive import jobs
from koine.engine.core.engine import Engine
from koine.engine.idempotency import KEEP_FOR
from koine.engine.maintenance import orphan_files
from koine.engine.personal_data import erasure
from koine.engine.retention import runs
from koine.kit.times import DAY, MINUTE, SECOND
from koine.model.retention import RetentionCounts
from koine.store import audit_log, idempotency, server_values, tenants
from koine.store.auth import credentials, login_attempts
from koine.store.core.db import Tx
from koine.store.events import event_log_state

EVERY = 5 * MINUTE
"""The interval of the work, µs."""
TURNS = DAY // EVERY
"""In so many intervals every folder of files is checked once."""
ENDED = DAY
"""How long a session that has ended is kept, µs."""
ANALYZE_EVERY = 5.0
"""Seconds between checks whether tables have grown so much that their statistics are stale."""
_BATCH_SIZE = 1000
"""Rows deleted in one transaction: few, so that it holds no lock for long."""
_LAST_INTERVAL = "upkeep_at"

_Kind = tuple[
    Callable[[Tx, int, int], Awaitable[list[str]]],
    Callable[[Tx, int, list[str]], Awaitable[int]],
]
_IDEMPOTENCY_KEYS: _Kind = (idempotency.expired, idempotency.delete_expired)
_SESSIONS: _Kind = (credentials.ended_sessions, credentials.delete_ended_sessions)
_ANONYMOUS_ENTRIES: _Kind = (audit_log.old_anonymous, audit_log.delete_anonymous)

_log = structlog.get_logger("koine")


class MaintenanceReport(Struct, frozen=True, kw_only=True):
    """What one run has done, mostly how much it has deleted."""

    idempotency_keys: int = 0
    sessions: int = 0
    files: int = 0
    events: int = 0
    """Batches of the event log."""
    entries: int = 0
    """Entries of the audit log about unknown callers."""
    offboarded: int = 0
    """Conversations that removed users and contacts were still in, and those that blocked users
    were still assigned to."""
    tenants: int = 0
    """Tenants whose deletion was completed."""
    sealed_tokens: int = 0
    """HMAC tokens of inboxes that were in clear text, and are encrypted now."""
    erasures: int = 0
    """Erasures of people that were not done, or not checked."""
    exports: int = 0
    """Archives of tenants."""
    expired: RetentionCounts = RetentionCounts()
    """What was older than the periods of its tenant."""


@asynccontextmanager
async def maintenance_jobs(engine: Engine) -> AsyncIterator[None]:
    """Do the work in the background while the context is open."""
    tasks = [asyncio.create_task(work) for work in (_run_forever(engine), _analyze(engine))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


async def run_once(engine: Engine) -> MaintenanceReport | None:
    """Do the work of this interval; None when it was done already, here or by another node."""
    now = engine.clock.now()
    if not await engine.db.write("", _claim_interval, now):
        return None
    keys = sessions = entries = offboarded = erasures = 0
    anonymous_for = engine.settings.audit_failed_logins_days * DAY
    for tenant in await engine.db.read("", tenants.list_all):
        keys += await _delete_expired(engine, tenant.id, _IDEMPOTENCY_KEYS, now - KEEP_FOR)
        sessions += await _delete_expired(engine, tenant.id, _SESSIONS, now - ENDED)
        entries += await _delete_expired(engine, tenant.id, _ANONYMOUS_ENTRIES, now - anonymous_for)
        offboarded += await offboarding.resume(engine, tenant.id)
        offboarded += await unassignment.resume(engine, tenant.id)
        erasures += await erasure.resume(engine, tenant.id)
    await engine.db.write("", login_attempts.delete_before, now)
    files = await orphan_files.delete_orphans(engine, now // EVERY % TURNS, TURNS)
    kept = engine.settings.event_keep_days * DAY
    events = 0
    while await engine.db.write("", event_log_state.delete_before, now - kept, _BATCH_SIZE):
        events += 1
    exports = await jobs.delete_ended(engine)
    sealed = await sealed_secrets.seal_clear_tokens(engine)
    # Last of all, and at most until the next interval: both may take hours.
    expired = await runs.run_due(engine, EVERY / SECOND / 2)
    deleted = await tenant_deletion.delete_due(engine, EVERY / SECOND / 2)
    return MaintenanceReport(
        idempotency_keys=keys,
        sessions=sessions,
        files=files,
        events=events,
        entries=entries,
        offboarded=offboarded,
        tenants=deleted,
        sealed_tokens=sealed,
        erasures=erasures,
        exports=exports,
        expired=expired,
    )


async def _claim_interval(tx: Tx, now: int) -> bool:
    before = await server_values.get_or_insert(tx, _LAST_INTERVAL, "0")
    interval = str(now // EVERY)
    return before != interval and await server_values.replace(tx, _LAST_INTERVAL, before, interval)


async def _delete_expired(engine: Engine, tenant_id: str, kind: _Kind, before: int) -> int:
    find, delete = kind
    gone = 0
    while found := await engine.db.read_long(tenant_id, find, before, _BATCH_SIZE):
        gone += await engine.db.write(tenant_id, delete, before, found)
    return gone


async def _analyze(engine: Engine) -> None:
    while True:
        await asyncio.sleep(ANALYZE_EVERY)
        try:
            await engine.db.analyze()
        except Exception:
            _log.warning("database statistics could not be refreshed", exc_info=True)


async def _run_forever(engine: Engine) -> None:
    while True:
        # A random delay, so that nodes that started together do not all ask at the same time.
        await asyncio.sleep(random.uniform(0.5, 1) * EVERY / SECOND)
        try:
            done = await run_once(engine)
        except Exception:
            _log.warning("maintenance failed", exc_info=True)
            continue
        if done is not None and done != MaintenanceReport():
            _log.info("maintenance finished", **to_builtins(done))
