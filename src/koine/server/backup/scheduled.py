"""Scheduled backups of a serving process: one process at a time makes them, in a child process.

All processes look whether one is due. The one that takes the lease starts `backup/process`, and
renews the lease until that has ended; it stops it when it has lost the lease, or stops itself.
"""

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

import msgspec
import structlog

from koine.engine.core.engine import Engine
from koine.kit import metrics
from koine.kit.amounts import duration
from koine.kit.backup_rules import BackupSchedule
from koine.kit.settings import environment
from koine.kit.tokens import random_token
from koine.model.errors import Unavailable
from koine.server.backup import lease
from koine.server.backup.lease import BackupOutcome

CHECK_SECONDS = 20.0
"""Seconds between two looks whether a backup is due."""
RENEW_SECONDS = 20.0
STOP_SECONDS = 5.0
"""Seconds that the child may take to end before it is killed."""
LONGEST_SECONDS = 12 * 3600.0
"""Seconds that a backup may take before it is stopped."""
_GIVE_BACK_SECONDS = 2.0
_COMMAND = (sys.executable, "-P", "-m", "koine.server.backup.process")

_log = structlog.get_logger("koine")


@asynccontextmanager
async def scheduled_backups(engine: Engine) -> AsyncIterator[None]:
    """Make backups when they are due while the context is open, if the settings say when."""
    schedule = engine.settings.schedule()
    if schedule is None:
        yield
        return
    task = asyncio.create_task(BackupRunner(engine, schedule).run_forever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class BackupRunner:
    """One in each serving process."""

    def __init__(self, engine: Engine, schedule: BackupSchedule) -> None:
        self._engine = engine
        self._schedule = schedule
        self._id = random_token()
        self._node = socket.gethostname()

    async def run_forever(self) -> None:
        """Look again and again whether a backup is due, and make it."""
        while True:
            # A random delay, so that processes that started together do not all ask at once.
            await asyncio.sleep(random.uniform(0.5, 1) * CHECK_SECONDS)
            try:
                await self.run_if_due()
            except Unavailable:
                continue
            except Exception:
                _log.warning("scheduled backups could not be looked after", exc_info=True)

    async def run_if_due(self) -> BackupOutcome | None:
        """Make a backup; None if none is due, or another process makes it. Raises Unavailable."""
        db, started_at = self._engine.db, self._engine.clock.now()
        known = await db.read("", lease.get)
        if not known.is_due(self._schedule, started_at) or not await db.write(
            "", lease.take, self._schedule, self._id, self._node, started_at
        ):
            return None
        _log.info("a scheduled backup begins", to=self._engine.settings.backup_to)
        try:
            outcome = await self._run_process()
        except BaseException:
            await self._give_back()
            raise
        now = self._engine.clock.now()
        ours = await db.write("", lease.end, self._id, started_at, now, outcome)
        _report(outcome, ours=ours)
        return outcome

    async def _run_process(self) -> BackupOutcome:
        settings = self._engine.settings
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            env={**os.environ, **environment(settings)},
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None, "a pipe"
        line = asyncio.create_task(process.stdout.readline())
        ends_at = monotonic() + LONGEST_SECONDS
        try:
            while not (await asyncio.wait({line}, timeout=RENEW_SECONDS))[0]:
                if monotonic() > ends_at:
                    return BackupOutcome(error=f"not done within {duration(LONGEST_SECONDS)}")
                if not await self._renew():
                    return BackupOutcome(error="another process took the lease")
            text = line.result()
        finally:
            line.cancel()
            await _stop(process)
        try:
            return msgspec.json.decode(text, type=BackupOutcome)
        except msgspec.MsgspecError:
            return BackupOutcome(error=f"the process of the backup ended with {process.returncode}")

    async def _renew(self) -> bool:
        """Renew the lease; False when another process has it. While the database is away
        nobody else can take it, either."""
        try:
            return await self._engine.db.write("", lease.renew, self._id, self._engine.clock.now())
        except Unavailable:
            return True

    async def _give_back(self) -> None:
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_GIVE_BACK_SECONDS):
                await self._engine.db.write("", lease.give_back, self._id)


async def _stop(process: Process) -> None:
    """Let a process end, and end it with its children if it does not. One that has printed its line
    ends by itself."""
    assert process.stdin is not None, "a pipe"
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _report(outcome: BackupOutcome, *, ours: bool) -> None:
    """Log and count how a backup went; `ours`: this process held the lease until the end."""
    if not outcome.error:
        metrics.BACKUP_RUNS.labels("done").inc()
        _log.info("a scheduled backup is done", backup=outcome.backup, removed=outcome.removed)
        return
    metrics.BACKUP_RUNS.labels("not_verified" if outcome.stored else "failed").inc()
    _log.error("a scheduled backup failed", error=outcome.error, stored=outcome.stored, ours=ours)
