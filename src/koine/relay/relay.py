"""Everything after the commit, in one process: the pump, the hub, the guard and the bus."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import msgspec

from koine.engine.engine import Engine
from koine.kit.draining import ShutdownSignal
from koine.relay.bus import Bus, Subject
from koine.relay.guard import Guard
from koine.relay.hub import Hub
from koine.relay.presence import Presence
from koine.relay.pump import Pump
from koine.relay.seat import Seat
from koine.relay.voice import Voice, Whisper
from koine.relay.whispers import Whispers

_SWEEP = 1.0
_STALLED = 1.0
_STALLED_SWEEP = 3
"""Seconds: with what went before, a right that ended is felt in less than five all the same."""
_TELL_EVERY = 0.02
"""How often at most the other nodes are told that something was committed."""
_decode = msgspec.msgpack.Decoder(Whisper).decode


class Relay:
    """Made and started by main, one in each process; `close` ends it."""

    def __init__(self, engine: Engine, bus: Bus, draining: ShutdownSignal) -> None:
        self.engine = engine
        self.draining = draining
        self.hub = Hub(engine)
        self.guard = Guard(self.hub)
        self.pump = Pump(self.hub, self.guard)
        self.whispers = Whispers(self.hub)
        self.presence = Presence(self.hub, self.whisper, self._tell_nodes)
        self._bus = bus
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to follow the log; commits of this process wake the pump from now on."""
        await self._bus.start(self._heard)
        self.engine.db.after_commit = self._committed
        for work in (self.pump.run(), self._sweep(), self._drain(), self.presence.run()):
            self.follow(work)

    def follow(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a task until the relay is closed."""
        self._tasks.append(asyncio.create_task(work))

    async def seat(self, voice: Voice, cursor: str | None, known_at: int | None = None) -> Seat:
        """A seat for a reader; see `Hub.open`. Waits for the pump to have begun.

        `known_at` is what `hub.rights` was before the reader was authenticated, by the database
        and not by what is remembered of it: it is not asked again if nothing has changed since.
        """
        await self.pump.begun.wait()
        first = not self.hub.count
        seat = self.hub.open(voice, cursor)
        self.presence.came(seat.taken_by)
        try:
            await self.guard.admit(seat, first, known_at)
        except BaseException:
            self.leave(seat)
            raise
        if self.draining.started:
            seat.close("draining")
        return seat

    async def cursor(self) -> str:
        """Where one begins who follows from now on. Waits for the pump to have begun."""
        await self.pump.begun.wait()
        return self.hub.cursor()

    def leave(self, seat: Seat) -> None:
        """The reader of a seat is gone."""
        seat.leave()
        self.presence.went(seat.taken_by)

    def whisper(self, whisper: Whisper) -> None:
        """Tell everyone who may hear it, here and on every node, now or never."""
        self.whispers.put(whisper)
        self._tell_nodes(whisper)

    async def close(self) -> None:
        """Stop; seats that are left are closed."""
        for seat in self.hub.seats():
            seat.close("draining")
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.guard.close()
        await self._bus.close()

    def _tell_nodes(self, whisper: Whisper) -> None:
        self._bus.tell("whisper", msgspec.msgpack.encode(whisper))

    def _committed(self) -> None:
        self.pump.wake()
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(_TELL_EVERY, self._rested)
            self._bus.tell("moved")

    def _rested(self) -> None:
        # What was committed since the last telling is told by this one.
        self._telling = None
        self._bus.tell("moved")

    def _heard(self, subject: Subject, payload: bytes) -> None:
        if subject == "moved":
            self.pump.wake()
            return
        with contextlib.suppress(msgspec.MsgspecError):
            whisper = _decode(payload)
            if self.presence.heard(whisper):
                self.whispers.put(whisper)

    async def _sweep(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(_SWEEP)
            turn += 1
            everyone = self.pump.stalled() > _STALLED and turn % _STALLED_SWEEP == 0
            await self.guard.sweep(everyone)

    async def _drain(self) -> None:
        await self.draining.wait()
        for seat in self.hub.seats():
            seat.close("draining")
