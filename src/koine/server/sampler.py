"""Measures a serving process and its database in the background: gauges, and the process's record.

What a process holds in memory is read every SAMPLE_SECONDS. What only the database knows is asked
every DATABASE_SECONDS, or so much less often that it takes a hundredth of the time.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic

import structlog

from koine import __version__
from koine.engine.core.engine import Engine
from koine.http.health import ReadinessChecks
from koine.kit import metrics
from koine.kit.times import SECOND
from koine.kit.tokens import random_token
from koine.model.errors import Unavailable
from koine.realtime.realtime import Realtime
from koine.server import process_records
from koine.server.backup import lease as backup_lease
from koine.server.backup import record as backup_record
from koine.server.process_records import RECORD_SECONDS, ProcessRecord
from koine.store import schema, server_counts
from koine.store.core.db import Tx
from koine.store.events import events

SAMPLE_SECONDS = 2.0
DATABASE_SECONDS = 15.0
DATABASE_SHARE, LONGEST_PAUSE_SECONDS = 0.01, 300.0
_CLEANUP_EVERY = 6
"""In so many records the old ones of other processes are deleted once."""

_log = structlog.get_logger("koine")


@asynccontextmanager
async def sampling(
    engine: Engine, realtime: Realtime, ready: ReadinessChecks
) -> AsyncIterator["Sampler"]:
    """Measure while the context is open. `ready` makes the checks of /readyz."""
    sampler = Sampler(engine, realtime, ready)
    loops = [
        asyncio.create_task(_repeat(sampler.sample_process, SAMPLE_SECONDS)),
        asyncio.create_task(_repeat(sampler.write_record, RECORD_SECONDS)),
        asyncio.create_task(_repeat(sampler.sample_database, DATABASE_SECONDS, DATABASE_SHARE)),
    ]
    try:
        yield sampler
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await sampler.remove_record()


class Sampler:
    """One in each serving process. Its methods are called in turn by `sampling`."""

    def __init__(self, engine: Engine, realtime: Realtime, ready: ReadinessChecks) -> None:
        self._engine = engine
        self._realtime = realtime
        self._ready = ready
        self._id = random_token()
        self._started_at = engine.clock.now()
        self._records = 0
        self._sends = (monotonic(), engine.write_batcher.completed)
        self._last_sample: float | None = None
        self._schema: str | None = None

    async def sample_process(self) -> None:
        """Set the gauges of what this process holds in memory."""
        now = monotonic()
        if self._last_sample is not None:
            late = now - self._last_sample - SAMPLE_SECONDS
            metrics.EVENT_LOOP_DELAY.observe(max(late, 0.0))
        self._last_sample = now
        batcher, slots = self._engine.write_batcher, self._engine.search_slots
        metrics.SEND_QUEUE.set(batcher.queued)
        metrics.SEND_QUEUE_OLDEST.set(batcher.oldest_seconds())
        metrics.SEARCHES_RUNNING.set(slots.held)
        metrics.SEARCHES_WAITING.set(slots.waiting)
        metrics.SEARCHES_OLDEST.set(slots.oldest_seconds())
        for pool in self._engine.db.pools():
            metrics.DATABASE_CONNECTIONS.labels(pool.name, "in_use").set(pool.in_use)
            metrics.DATABASE_CONNECTIONS.labels(pool.name, "idle").set(pool.idle)
            metrics.DATABASE_CONNECTIONS_MAX.labels(pool.name).set(pool.limit)
            metrics.DATABASE_CALLERS_WAITING.labels(pool.name).set(pool.waiting)
        _sample_disk(Path(self._engine.settings.data_dir))

    async def write_record(self) -> None:
        """Make the checks of /readyz, and write the record of this process. Raises Unavailable."""
        failing: list[str] = []
        for check in await self._ready():
            metrics.READY.labels(check.name).set(check.ok)
            failing += [] if check.ok else [check.name]
        await self._sample_followers()
        await self._engine.db.write("", process_records.save, self._record(failing))
        if self._records % _CLEANUP_EVERY == 0:
            await self._engine.db.write("", process_records.delete_old, self._engine.clock.now())
        self._records += 1

    async def remove_record(self) -> None:
        """This process ends; its record goes, unless the database is not there."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(SAMPLE_SECONDS):
                await self._engine.db.write("", process_records.remove, self._id)

    async def sample_database(self) -> None:
        """Set the gauges of what the database knows. Raises Unavailable."""
        db, now = self._engine.db, self._engine.clock.now()
        counts = await db.read_long("", server_counts.count, now)
        metrics.WEBHOOK_QUEUE.set(counts.deliveries_pending)
        metrics.WEBHOOK_OLDEST.set(_age(now, counts.oldest_delivery_at))
        metrics.WEBHOOK_OVERDUE.set(_age(now, counts.longest_due_at))
        for state, number in counts.endpoints.items():
            metrics.WEBHOOK_ENDPOINTS.labels(state).set(number)
        metrics.UPLOADS_SIZE.set(counts.upload_bytes)
        metrics.DATABASE_SIZE.set(await db.size_bytes())
        backup = await db.read("", backup_record.get)
        metrics.BACKUP_TIME.set((backup.created_at or 0) / SECOND)
        metrics.BACKUP_VERIFIED.set((backup.verified_at or 0) / SECOND)
        metrics.BACKUP_SIZE.set(backup.bytes)
        metrics.BACKUP_FAILURES.set((await db.read("", backup_lease.get)).failures)
        self._sample_schema(await db.version() or "")

    async def _sample_followers(self) -> None:
        now = self._engine.clock.now()
        for name, position in self._realtime.log_reader.progress.items():
            behind, oldest = await self._engine.db.read("", _behind, position())
            metrics.EVENT_QUEUE.labels(name).set(behind)
            metrics.EVENT_QUEUE_OLDEST.labels(name).set(_age(now, oldest))

    def _sample_schema(self, revision: str) -> None:
        """Another node may migrate the database while this process serves it."""
        metrics.MIGRATIONS_PENDING.set(schema.migrations_pending(revision))
        if revision != self._schema:
            self._schema = revision
            metrics.BUILD.clear()
            metrics.BUILD.labels(__version__, self._engine.db.kind, revision).set(1)

    def _record(self, failing: list[str]) -> ProcessRecord:
        settings = self._engine.settings
        (then, before), now = self._sends, monotonic()
        completed = self._engine.write_batcher.completed
        self._sends = now, completed
        return ProcessRecord(
            id=self._id,
            node=socket.gethostname(),
            pid=os.getpid(),
            url=f"{settings.host}:{settings.port}",
            version=__version__,
            started_at=self._started_at,
            seen_at=self._engine.clock.now(),
            failing=failing,
            streams=self._realtime.hub.count,
            sends_per_second=round((completed - before) / max(now - then, 0.001), 1),
            event_lag_seconds=round(self._realtime.log_reader.stalled_seconds(), 3),
            pid_space=process_records.own_pid_space(),
        )


async def _repeat(work: Callable[[], Awaitable[None]], seconds: float, share: float = 1.0) -> None:
    """Do `work` again and again, with pauses of `seconds`, longer ones where it would take more
    than this `share` of the time. Nothing depends on it: errors are logged."""
    while True:
        began = monotonic()
        try:
            await work()
        except Unavailable:
            pass
        except Exception:
            _log.warning("the server could not be measured", exc_info=True)
        longer = min((monotonic() - began) / share, LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(max(seconds, longer if share < 1 else 0))


async def _behind(tx: Tx, position: int) -> tuple[int, int | None]:
    """How many positions of the log are after this one, and when the first event there was created
    (µs)."""
    behind = max((await events.log_snapshot(tx)).last - position, 0)
    return behind, await server_counts.first_event_after(tx, position) if behind else None


def _sample_disk(folder: Path) -> None:
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        metrics.DISK_SIZE.set(usage.total)
        metrics.DISK_FREE.set(usage.free)


def _age(now: int, then: int | None) -> float:
    """Seconds from `then` to `now` (both µs), 0 without `then` or before it."""
    return 0.0 if then is None else max(now - then, 0) / SECOND
