"""The pump: reads the log behind every commit, in order, and has it told.

It is woken by commits of this process and by the bus; if neither comes, it looks by itself. So a
wake-up that is lost costs at most POLL seconds, and one that is doubled a look.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from koine.event_log.contexts import load_contexts
from koine.kit import metrics
from koine.model.errors import Unavailable
from koine.model.event import LoggedEvent
from koine.realtime.hub import Hub
from koine.realtime.reauth import Reauthenticator
from koine.realtime.watermark import LogRewound, Watermark
from koine.store.events import event_log_state, events

POLL_SECONDS = 0.5
"""Seconds between looks that nobody asked for."""
COALESCE_SECONDS = 0.005
"""Seconds a burst of commits shares one look."""
_PENDING_POLL_SECONDS = 0.001
_CHUNK_EVENTS = 500
_DISPATCH_BATCH = 20
"""Events told in one go: much less than a seat's queue holds."""
_RETRY_SECONDS = 0.5
_START_WAIT_SECONDS = 1.0
_SAVE_SECONDS = 5.0
_SUSPENDED_SECONDS = 30.0
_log = structlog.get_logger("koine.realtime")


class EventLogReader:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, hub: Hub, guard: Reauthenticator) -> None:
        self.stable = 0
        self.started = asyncio.Event()
        self.subscribers: list[Callable[[int], None]] = []
        self._hub = hub
        self._reauth = guard
        self._db = hub.engine.db
        self._watermark = Watermark()
        self._rewound = False
        self._wake_event = asyncio.Event()
        self._advanced_at = self._saved_at = time.monotonic()
        self._polled_at = time.monotonic()
        self._saved = 0

    def wake(self) -> None:
        """Something was committed, here or elsewhere."""
        self._wake_event.set()

    def stalled_seconds(self) -> float:
        """For how many seconds events have waited for transactions that do not end."""
        return time.monotonic() - self._advanced_at if self._watermark.has_pending else 0.0

    def idle_seconds(self) -> float:
        """For how many seconds this process has not come to look at the log. What waits for a
        transaction (`stalled`) waits on every node: none is better than another for that."""
        return time.monotonic() - self._polled_at

    async def run(self) -> None:
        """Read and tell, for ever."""
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
        """Find out which log this is; after a time without the database it may be another."""
        epoch = await self._db.write("", event_log_state.epoch, await self._db.timeline_id())
        if epoch == self._hub.epoch:
            if self._watermark.has_snapshot:
                return
            if self._rewound:
                # Its positions come again: cursors that name them must be worth nothing.
                epoch = await self._db.write("", event_log_state.end_epoch, epoch)
        self._watermark, self._rewound = Watermark(), False
        self._watermark.advance(await self._db.read("", events.log_snapshot))
        until = time.monotonic() + _START_WAIT_SECONDS
        while self._watermark.has_pending and time.monotonic() < until:
            await asyncio.sleep(COALESCE_SECONDS)
            self._watermark.advance(await self._db.read("", events.log_snapshot))
        # While a transaction stays open, begin where somebody else saw that all was settled.
        self._watermark.stable = max(
            self._watermark.stable, await self._db.read("", event_log_state.stable_position)
        )
        self._hub.reset_epoch(epoch, self._watermark.stable)
        self._advance_to(self._watermark.stable)
        self._advanced_at = time.monotonic()
        self.started.set()

    async def _poll_once(self) -> None:
        self._wake_event.clear()
        await self._check_retention()
        settled = self._watermark.advance(await self._db.read("", events.log_snapshot))
        if settled > self.stable or not self._watermark.has_pending:
            self._advanced_at = time.monotonic()
        if settled > self.stable:
            self._advance_to(settled)
        if settled > self._hub.delivered:
            await self._dispatch(settled)
        await self._save_stable()
        self._update_metrics()
        await self._wait_for_commits()

    def _advance_to(self, settled: int) -> None:
        """Followers are told at the beginning, too: what is there already may be new to them."""
        self.stable = settled
        for follower in self.subscribers:
            follower(settled)

    async def _check_retention(self) -> None:
        """Whether what was to be told next is still there, after a turn that took very long (a
        stopped process, a machine that slept)."""
        before, self._polled_at = self._polled_at, time.monotonic()
        if self._polled_at - before > _SUSPENDED_SECONDS:
            if await self._db.read("", event_log_state.retention_floor) > self._hub.delivered:
                self._hub.reset_epoch(self._hub.epoch, self.stable)
            await self._reauth.sweep(everyone=True)

    async def _wait_for_commits(self) -> None:
        """Until there may be more: shortly, when transactions are about to end."""
        if self._watermark.has_pending:
            await asyncio.sleep(min(_PENDING_POLL_SECONDS + self.stalled_seconds() / 10, 0.1))
            return
        # Not `wait_for`, which may lose a cancellation: then the process would never end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake_event.wait()
            await asyncio.sleep(COALESCE_SECONDS)

    async def _save_stable(self) -> None:
        """Remember where all is settled, for a process that begins while it is not."""
        if time.monotonic() - self._saved_at > _SAVE_SECONDS and self.stable > self._saved:
            self._saved, self._saved_at = self.stable, time.monotonic()
            await self._db.write("", event_log_state.save_stable_position, self.stable)

    async def _dispatch(self, settled: int) -> None:
        hub = self._hub
        while hub.delivered < settled:
            if not hub.count:
                hub.skip_to(settled)
                return
            chunk = await self._db.read("", events.after, hub.delivered, settled, _CHUNK_EVENTS)
            upto = chunk[-1].position if len(chunk) == _CHUNK_EVENTS else settled
            by_tenant = _by_tenant(chunk)
            # Rights first: whoever catches up reads as far as `hub.position` by itself.
            for tenant_id, theirs in by_tenant.items():
                await self._reauth.check(tenant_id, theirs)
            # From here on who joins reads this chunk itself.
            hub.position = upto
            for tenant_id, theirs in by_tenant.items():
                await self._dispatch_tenant(tenant_id, theirs)
            hub.delivered = upto

    async def _dispatch_tenant(self, tenant_id: str, theirs: list[LoggedEvent]) -> None:
        if not self._hub.subscribers(tenant_id):
            return
        curious = self._hub.shared_only(tenant_id)
        happened = await load_contexts(self._db, tenant_id, theirs, curious)
        for first in range(0, len(happened), _DISPATCH_BATCH):
            self._hub.dispatch(tenant_id, happened[first : first + _DISPATCH_BATCH])
            await asyncio.sleep(0)  # readers who keep up take what they were told

    def _update_metrics(self) -> None:
        metrics.EVENT_POSITION.set(self._hub.delivered)
        metrics.EVENT_LAG.set(self.stalled_seconds())


def _by_tenant(chunk: list[LoggedEvent]) -> dict[str, list[LoggedEvent]]:
    found: dict[str, list[LoggedEvent]] = {}
    for event in chunk:
        found.setdefault(event.tenant_id, []).append(event)
    return found
