"""Delete tenants for good, when the grace time of their deletion has passed.

The rows of every table go in small batches, with pauses in between, so that sends of other tenants
are not slowed down; the bytes of a file go before its row. Each batch is a transaction that counts
itself in the tombstone: a deletion that is interrupted anywhere continues where it stopped, in this
process or another.

A request that was authenticated before the tenant was suspended may still write rows. So the
deletion begins only some seconds after the suspension, and for a day after its end maintenance
looks for rows that were late.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from koine.engine.conversations.files import delete_bytes
from koine.engine.core.engine import Engine
from koine.kit.times import DAY, SECOND
from koine.model.tenant import DeletedTenant, Tenant
from koine.store import tenant_deletion, tenants
from koine.store.archive import imports
from koine.store.conversations.files import StoredFile
from koine.store.core.db import Tx
from koine.store.retention import holds
from koine.store.tenant_deletion import TABLES

BATCH_SIZE = 500
"""Rows in one transaction."""
SETTLING = 10 * SECOND
"""µs after the suspension, beside `token_cache_seconds`, until every node has ended the tenant's
streams and requests: before that, nothing is deleted."""
LATE_FOR = DAY
"""µs after the end of a deletion in which rows that were late are looked for."""
_LEAST_PAUSE = 0.002
_log = structlog.get_logger("koine")


class NotDue(Exception):
    """The tenant is not to be deleted, or not yet."""


def no_progress(rows: int) -> None:
    """Report nothing: the default where nobody watches a deletion."""


def begins_at(engine: Engine, tenant: Tenant) -> int | None:
    """When (µs) the tenant's rows may be deleted; None where no deletion is scheduled."""
    if tenant.delete_at is None or tenant.suspended_at is None:
        return None
    settled = tenant.suspended_at + SETTLING + engine.settings.token_cache_seconds * SECOND
    return max(tenant.delete_at, settled)


async def list_tombstones(engine: Engine) -> list[DeletedTenant]:
    """What is left of every deleted tenant, for the operator of the server."""
    return await engine.db.read("", tenant_deletion.tombstones)


async def delete_due(engine: Engine, seconds: float) -> int:
    """Delete the tenants whose time has come, and rows that were late; at most for so many
    `seconds`, the rest the next time. Returns how many tenants were deleted."""
    until = time.monotonic() + seconds
    count = 0
    for tenant in await engine.db.read("", tenant_deletion.due, engine.clock.now()):
        with suppress(NotDue):
            count += await delete_tenant(engine, tenant.id, until=until) is not None
    since = engine.clock.now() - LATE_FOR
    for tombstone in await list_tombstones(engine):
        if tombstone.finished_at is not None and tombstone.finished_at > since:
            with suppress(NotDue):
                await _delete_rows(engine, tombstone.id, no_progress, until)
    return count


async def delete_tenant(
    engine: Engine,
    tenant_id: str,
    *,
    until: float | None = None,
    progress: Callable[[int], None] = no_progress,
) -> DeletedTenant | None:
    """Delete all rows and files of a tenant whose deletion is due; `progress` is called with the
    rows of each batch. Returns the tombstone; None where there was no time left `until` (of
    `time.monotonic`). Raises NotDue."""
    await engine.db.write(tenant_id, _begin, engine.clock.now(), engine)
    if not await _delete_rows(engine, tenant_id, progress, until):
        return None
    tombstone = await engine.db.write(tenant_id, _finish, engine.clock.now(), engine)
    if tombstone is not None:
        counts = msgspec.json.decode(tombstone.counts)
        _log.info("a tenant was deleted", tenant=tenant_id, number=tombstone.number, rows=counts)
    return tombstone


async def _delete_rows(
    engine: Engine, tenant_id: str, progress: Callable[[int], None], until: float | None
) -> bool:
    """Delete the rows of every table; False when there was no time left."""
    for table in TABLES:
        while True:
            if until is not None and time.monotonic() >= until:
                return False
            began = time.monotonic()
            if table == "files":
                await _delete_next_bytes(engine, tenant_id)
            rows = await engine.db.write(
                tenant_id, _delete_batch, engine.clock.now(), engine, table
            )
            if not rows:
                break
            progress(rows)
            # As long as it took: half of the time is left to others.
            await asyncio.sleep(max(time.monotonic() - began, _LEAST_PAUSE))
    return True


async def _delete_next_bytes(engine: Engine, tenant_id: str) -> None:
    """Delete the bytes of the files whose rows go next: after an interruption between the two, the
    row still names what is to be deleted. Raises NotDue."""
    found = await engine.db.read(tenant_id, _next_files, engine.clock.now(), engine)
    await delete_bytes(engine, found)


async def _next_files(tx: Tx, now: int, engine: Engine) -> list[StoredFile]:
    await _require_due(tx, await tenants.get(tx, tx.tenant_id), now, engine)
    return await tenant_deletion.next_files(tx, BATCH_SIZE)


async def _begin(tx: Tx, now: int, engine: Engine) -> None:
    tenant = await tenants.lock(tx)
    if tenant is None or not _is_due(engine, tenant, now) or await holds.has_any(tx):
        raise NotDue
    await tenant_deletion.insert_tombstone(tx, tenant, now)


async def _delete_batch(tx: Tx, now: int, engine: Engine, table: str) -> int:
    await _require_due(tx, await tenants.lock(tx), now, engine)
    return await tenant_deletion.delete_batch(tx, table, BATCH_SIZE)


async def _require_due(tx: Tx, tenant: Tenant | None, now: int, engine: Engine) -> None:
    # A tenant without a row was deleted, and rows that were late are looked for. One with a row
    # that is not due has the same id again: it was restored from an archive, or is just now.
    if tenant is not None and not _is_due(engine, tenant, now):
        raise NotDue
    if tenant is None and await imports.is_begun(tx):
        raise NotDue


async def _finish(tx: Tx, now: int, engine: Engine) -> DeletedTenant | None:
    tenant = await tenants.lock(tx)
    if tenant is None or not _is_due(engine, tenant, now):
        return None
    return await tenant_deletion.delete_tenant(tx, now)


def _is_due(engine: Engine, tenant: Tenant, now: int) -> bool:
    begins = begins_at(engine, tenant)
    return begins is not None and begins <= now
