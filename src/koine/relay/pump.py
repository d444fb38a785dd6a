"""The pump: reads the log behind every commit, in order, and has it told.

It is woken by commits of this process and by the bus; if neither comes, it looks by itself. So a
wake-up that is lost costs at most POLL seconds, and one that is doubled a look.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from koine.kit import metrics
from koine.model.errors import Unavailable
from koine.model.event import LoggedEvent
from koine.relay.fence import Fence, WentBack
from koine.relay.gathering import gathered
from koine.relay.guard import Guard
from koine.relay.hub import Hub
from koine.store import events, log

POLL = 0.5
"""Seconds between looks that nobody asked for."""
PAUSE = 0.005
"""Seconds a burst of commits shares one look."""
_SHORT = 0.001
_CHUNK = 500
_BREATH = 20
"""Events told in one go: much less than a seat's queue holds."""
_AWAY = 0.5
_PATIENCE = 1.0
_KEEP_EVERY = 5.0
_LONG = 30.0
_log = structlog.get_logger("koine.relay")


class Pump:
    """One in each process. `run` is its task; `wake` may be called at any time."""

    def __init__(self, hub: Hub, guard: Guard) -> None:
        self.settled = 0
        self.begun = asyncio.Event()
        self.followers: list[Callable[[int], None]] = []
        self._hub = hub
        self._guard = guard
        self._db = hub.engine.db
        self._fence = Fence()
        self._lost = False
        self._woken = asyncio.Event()
        self._moved_at = self._kept_at = time.monotonic()
        self._turned_at = time.monotonic()
        self._kept = 0

    def wake(self) -> None:
        """Something was committed, here or elsewhere."""
        self._woken.set()

    def stalled(self) -> float:
        """For how many seconds events have waited for transactions that do not end."""
        return time.monotonic() - self._moved_at if self._fence.waits else 0.0

    def behind(self) -> float:
        """For how many seconds this process has not come to look at the log. What waits for a
        transaction (`stalled`) waits on every node: none is better than another for that."""
        return time.monotonic() - self._turned_at

    async def run(self) -> None:
        """Read and tell, for ever."""
        while True:
            try:
                await self._begin()
                while True:
                    await self._turn()
            except WentBack:
                _log.warning("the event log went back: every reader begins anew")
                self._fence, self._lost = Fence(), True
            except Unavailable:
                await asyncio.sleep(_AWAY)
            except Exception:
                _log.error("the pump stumbled", exc_info=True)
                await asyncio.sleep(_AWAY)

    async def _begin(self) -> None:
        """Find out which log this is; after a time without the database it may be another."""
        epoch = await self._db.write("", log.epoch, await self._db.timeline_id())
        if epoch == self._hub.epoch:
            if self._fence.seen:
                return
            if self._lost:
                # Its positions come again: cursors that name them must be worth nothing.
                epoch = await self._db.write("", log.end_epoch, epoch)
        self._fence, self._lost = Fence(), False
        self._fence.see(await self._db.read("", events.log_snapshot))
        until = time.monotonic() + _PATIENCE
        while self._fence.waits and time.monotonic() < until:
            await asyncio.sleep(PAUSE)
            self._fence.see(await self._db.read("", events.log_snapshot))
        # While a transaction stays open, begin where somebody else saw that all was settled.
        self._fence.settled = max(self._fence.settled, await self._db.read("", log.stable_position))
        self._hub.begin_anew(epoch, self._fence.settled)
        self._move_to(self._fence.settled)
        self._moved_at = time.monotonic()
        self.begun.set()

    async def _turn(self) -> None:
        self._woken.clear()
        await self._check_floor()
        settled = self._fence.see(await self._db.read("", events.log_snapshot))
        if settled > self.settled or not self._fence.waits:
            self._moved_at = time.monotonic()
        if settled > self.settled:
            self._move_to(settled)
        if settled > self._hub.delivered:
            await self._tell(settled)
        await self._keep()
        self._measure()
        await self._rest()

    def _move_to(self, settled: int) -> None:
        """Followers are told at the beginning, too: what is there already may be new to them."""
        self.settled = settled
        for follower in self.followers:
            follower(settled)

    async def _check_floor(self) -> None:
        """Whether what was to be told next is still there, after a turn that took very long (a
        stopped process, a machine that slept)."""
        before, self._turned_at = self._turned_at, time.monotonic()
        if self._turned_at - before > _LONG:
            if await self._db.read("", log.retention_floor) > self._hub.delivered:
                self._hub.begin_anew(self._hub.epoch, self.settled)
            await self._guard.sweep(everyone=True)

    async def _rest(self) -> None:
        """Until there may be more: shortly, when transactions are about to end."""
        if self._fence.waits:
            await asyncio.sleep(min(_SHORT + self.stalled() / 10, 0.1))
            return
        # Not `wait_for`, which may lose a cancellation: then the process would never end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._woken.wait()
            await asyncio.sleep(PAUSE)

    async def _keep(self) -> None:
        """Remember where all is settled, for a process that begins while it is not."""
        if time.monotonic() - self._kept_at > _KEEP_EVERY and self.settled > self._kept:
            self._kept, self._kept_at = self.settled, time.monotonic()
            await self._db.write("", log.save_stable_position, self.settled)

    async def _tell(self, settled: int) -> None:
        hub = self._hub
        while hub.delivered < settled:
            if not hub.count:
                hub.skip_to(settled)
                return
            chunk = await self._db.read("", events.after, hub.delivered, settled, _CHUNK)
            upto = chunk[-1].position if len(chunk) == _CHUNK else settled
            by_tenant = _by_tenant(chunk)
            # Rights first: whoever catches up reads as far as `hub.position` by itself.
            for tenant_id, theirs in by_tenant.items():
                await self._guard.check(tenant_id, theirs)
            # From here on who joins reads this chunk itself.
            hub.position = upto
            for tenant_id, theirs in by_tenant.items():
                await self._tell_tenant(tenant_id, theirs)
            hub.delivered = upto

    async def _tell_tenant(self, tenant_id: str, theirs: list[LoggedEvent]) -> None:
        if not self._hub.seats(tenant_id):
            return
        curious = self._hub.curious(tenant_id)
        happened = await gathered(self._db, tenant_id, theirs, curious)
        for first in range(0, len(happened), _BREATH):
            self._hub.tell(tenant_id, happened[first : first + _BREATH])
            await asyncio.sleep(0)  # readers who keep up take what they were told

    def _measure(self) -> None:
        metrics.EVENT_POSITION.set(self._hub.delivered)
        metrics.EVENT_LAG.set(self.stalled())


def _by_tenant(chunk: list[LoggedEvent]) -> dict[str, list[LoggedEvent]]:
    found: dict[str, list[LoggedEvent]] = {}
    for event in chunk:
        found.setdefault(event.tenant_id, []).append(event)
    return found
