"""Everything after the commit, in one process: the pump, the hub, the guard and the bus."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import msgspec

from koine.engine.core.context import Engine
from koine.event_log.log_reader import EventLogReader
from koine.kit.shutdown_signal import ShutdownSignal
from koine.realtime.bus.protocol import Bus, Subject
from koine.realtime.dispatcher import EventDispatcher
from koine.realtime.ephemeral import EphemeralDispatcher
from koine.realtime.hub import Hub
from koine.realtime.presence import Presence
from koine.realtime.reader import EphemeralEvent, Reader
from koine.realtime.reauth import Reauthenticator
from koine.realtime.subscriber import Subscriber

_SWEEP_SECONDS = 1.0
_STALLED_SECONDS = 1.0
_STALLED_SWEEP_SECONDS = 3
"""Seconds: with what went before, a right that ended is felt in less than five all the same."""
_WAKE_INTERVAL = 0.02
"""How often at most the other nodes are told that something was committed."""
_decode = msgspec.msgpack.Decoder(EphemeralEvent).decode


class Realtime:
    """Made and started by main, one in each process; `close` ends it."""

    def __init__(self, engine: Engine, bus: Bus, draining: ShutdownSignal) -> None:
        self.engine = engine
        self.draining = draining
        self.hub = Hub(engine)
        self.reauth = Reauthenticator(self.hub)
        self.log_reader = EventLogReader(engine.db)
        self._dispatcher = EventDispatcher(self.hub, self.reauth)
        self.ephemeral = EphemeralDispatcher(self.hub)
        self.presence = Presence(self.hub, self.publish_ephemeral, self._publish_to_nodes)
        self._bus = bus
        self._tasks: list[asyncio.Task[None]] = []
        self._wake_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to follow the log; commits of this process wake the pump from now on."""
        await self._bus.start(self._on_bus_message)
        # Last of all: what it awaits must not delay followers that only wake a task of theirs.
        self.log_reader.followers.append(self._dispatcher)
        self.engine.db.after_commit = self._on_commit
        for work in (self.log_reader.run(), self._sweep(), self._drain(), self.presence.run()):
            self.spawn(work)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a task until the relay is closed."""
        self._tasks.append(asyncio.create_task(coroutine))

    async def connect(
        self, voice: Reader, cursor: str | None, rights_version: int | None = None
    ) -> Subscriber:
        """A seat for a reader; see `Hub.open`. Waits for the pump to have begun.

        `known_at` is what `hub.rights` was before the reader was authenticated, by the database
        and not by what is remembered of it: it is not asked again if nothing has changed since.
        """
        await self.log_reader.started.wait()
        first = not self.hub.count
        seat = self.hub.subscribe(voice, cursor)
        self.presence.connected(seat.connected_as)
        try:
            await self.reauth.admit_new(seat, first, rights_version)
        except BaseException:
            self.disconnect(seat)
            raise
        if self.draining.started:
            seat.close("draining")
        return seat

    async def cursor(self) -> str:
        """Where one begins who follows from now on. Waits for the pump to have begun."""
        await self.log_reader.started.wait()
        return self.hub.cursor()

    def disconnect(self, seat: Subscriber) -> None:
        """The reader of a seat is gone."""
        seat.leave()
        self.presence.disconnected(seat.connected_as)

    def publish_ephemeral(self, event: EphemeralEvent) -> None:
        """Tell everyone who may hear it, here and on every node, now or never."""
        self.ephemeral.publish(event)
        self._publish_to_nodes(event)

    async def close(self) -> None:
        """Stop; seats that are left are closed."""
        for seat in self.hub.subscribers():
            seat.close("draining")
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.reauth.close()
        await self._bus.close()

    def _publish_to_nodes(self, whisper: EphemeralEvent) -> None:
        self._bus.publish("ephemeral", msgspec.msgpack.encode(whisper))

    def _on_commit(self) -> None:
        self.log_reader.wake()
        if self._wake_timer is None:
            loop = asyncio.get_running_loop()
            self._wake_timer = loop.call_later(_WAKE_INTERVAL, self._on_wake_interval)
            self._bus.publish("log_advanced")

    def _on_wake_interval(self) -> None:
        # What was committed since the last telling is told by this one.
        self._wake_timer = None
        self._bus.publish("log_advanced")

    def _on_bus_message(self, subject: Subject, payload: bytes) -> None:
        if subject == "log_advanced":
            self.log_reader.wake()
            return
        with contextlib.suppress(msgspec.MsgspecError):
            whisper = _decode(payload)
            if self.presence.apply_remote(whisper):
                self.ephemeral.publish(whisper)

    async def _sweep(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            turn += 1
            everyone = (
                self.log_reader.stalled_seconds() > _STALLED_SECONDS
                and turn % _STALLED_SWEEP_SECONDS == 0
            )
            await self.reauth.sweep(everyone)

    async def _drain(self) -> None:
        await self.draining.wait()
        for seat in self.hub.subscribers():
            seat.close("draining")
