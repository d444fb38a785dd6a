"""The event log reader: finds out how far the log may be read and notifies what follows it.

One in each process. It is woken by commits of this process and by hints from other nodes; without
either it looks at the log every POLL_SECONDS. So a lost hint costs at most that time, and a
repeated one costs one query.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec import Struct

from koine.event_log.watermark import LogRewound, Watermark
from koine.kit import metrics
from koine.model.errors import Unavailable
from koine.store.core.db import Database
from koine.store.events import event_log_state, events

POLL_SECONDS = 0.5
"""Seconds between two looks at the log without a hint."""
COALESCE_SECONDS = 0.005
"""Seconds that commits in quick succession share one look."""
_PENDING_POLL_SECONDS = 0.001
_RETRY_SECONDS = 0.5
_START_WAIT_SECONDS = 1.0
_SAVE_SECONDS = 5.0
_SUSPENDED_SECONDS = 30.0
_log = structlog.get_logger("koine.event_log")


class LogState(Struct, frozen=True):
    """What a follower needs to know of the log.

    Events up to the position `stable` may be read. Another `epoch` than before means another log:
    positions of the previous one have no meaning any more. `suspensions` counts how often this
    process did not run for a long time (it was stopped, or the machine slept): what a follower had
    yet to read may have been deleted meanwhile, and what it remembers may be out of date.
    """

    epoch: str
    stable: int
    suspensions: int = 0


class LogFollower(Protocol):
    """What the log reader notifies."""

    async def log_advanced(self, log: LogState) -> None:
        """The log's state is another than at the last call. The reader waits for it to return and
        looks at the log only then: long work belongs into a task of the follower's own. After
        an exception it is called again with the state of that time."""


class EventLogReader:
    """`run` is its task; `wake` may be called at any time. Followers are notified in their order,
    first of the state at the start: what is in the log already may be new to them. `progress` has
    for each, by its name in metrics, a function that returns the position it has handled."""

    def __init__(self, db: Database) -> None:
        self.stable = 0
        self.started = asyncio.Event()
        self.followers: list[LogFollower] = []
        self.progress: dict[str, Callable[[], int]] = {}
        self._db = db
        self._notified: dict[LogFollower, LogState] = {}
        self._epoch = ""
        self._suspensions = 0
        self._watermark = Watermark()
        self._rewound = False
        self._wake_event = asyncio.Event()
        self._advanced_at = self._saved_at = time.monotonic()
        self._polled_at = time.monotonic()
        self._saved = 0

    def wake(self) -> None:
        """Something was committed, here or on another node."""
        self._wake_event.set()

    def stalled_seconds(self) -> float:
        """For how many seconds committed events have waited for transactions that are still open.
        They wait on every node alike."""
        return time.monotonic() - self._advanced_at if self._watermark.has_pending else 0.0

    def idle_seconds(self) -> float:
        """For how many seconds this process has not looked at the log."""
        return time.monotonic() - self._polled_at

    async def run(self) -> None:
        """Read and notify until cancelled. Errors are logged and tried again."""
        while True:
            try:
                await self._open_log()
                while True:
                    await self._poll_once()
            except LogRewound:
                _log.warning("the event log was rewound: all cursors are reset")
                self._watermark, self._rewound = Watermark(), True
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                _log.error("the event log reader failed", exc_info=True)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _open_log(self) -> None:
        """Find out which log this is. Called again after each time that the database could not be
        reached: another one may have taken its place."""
        epoch = await self._db.write("", event_log_state.epoch, await self._db.timeline_id())
        if epoch == self._epoch:
            if self._watermark.has_snapshot:
                return
            if self._rewound:
                # Positions are given out a second time: a cursor that names one of them must not
                # be taken for a cursor of the new events.
                epoch = await self._db.write("", event_log_state.end_epoch, epoch)
        self._watermark, self._rewound = Watermark(), False
        self._watermark.advance(await self._db.read("", events.log_snapshot))
        until = time.monotonic() + _START_WAIT_SECONDS
        while self._watermark.has_pending and time.monotonic() < until:
            await asyncio.sleep(COALESCE_SECONDS)
            self._watermark.advance(await self._db.read("", events.log_snapshot))
        # A transaction may stay open for hours, and a watermark that begins while it is open knows
        # of no stable position. Another process that ran before it began knows one, and saved it.
        self._watermark.stable = max(
            self._watermark.stable, await self._db.read("", event_log_state.stable_position)
        )
        self._epoch, self.stable = epoch, self._watermark.stable
        self._advanced_at = time.monotonic()
        await self._notify_followers()

    async def _poll_once(self) -> None:
        self._wake_event.clear()
        self._count_suspensions()
        stable = self._watermark.advance(await self._db.read("", events.log_snapshot))
        if stable > self.stable or not self._watermark.has_pending:
            self._advanced_at = time.monotonic()
        self.stable = max(self.stable, stable)
        await self._notify_followers()
        await self._save_stable()
        metrics.EVENT_POSITION.set(self.stable)
        metrics.EVENT_LAG.set(self.stalled_seconds())
        await self._wait_for_commits()

    def _count_suspensions(self) -> None:
        before, self._polled_at = self._polled_at, time.monotonic()
        if self._polled_at - before > _SUSPENDED_SECONDS:
            self._suspensions += 1

    async def _notify_followers(self) -> None:
        """Notify those that do not know the state, also since they failed the last time."""
        log = LogState(self._epoch, self.stable, self._suspensions)
        for follower in self.followers:
            if self._notified.get(follower) != log:
                await follower.log_advanced(log)
                self._notified[follower] = log
        self.started.set()

    async def _wait_for_commits(self) -> None:
        """Return when there may be more events: soon while transactions are still open."""
        if self._watermark.has_pending:
            await asyncio.sleep(min(_PENDING_POLL_SECONDS + self.stalled_seconds() / 10, 0.1))
            return
        # Not `wait_for`, which may swallow a cancellation: then the process would never end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake_event.wait()
            await asyncio.sleep(COALESCE_SECONDS)

    async def _save_stable(self) -> None:
        """Save a stable position for a process that starts while a transaction stays open."""
        if time.monotonic() - self._saved_at > _SAVE_SECONDS and self.stable > self._saved:
            self._saved, self._saved_at = self.stable, time.monotonic()
            await self._db.write("", event_log_state.save_stable_position, self.stable)
