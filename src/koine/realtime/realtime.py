"""The parts of `realtime` in one process: log reader, hub, reauthentication, presence, bus."""

import asyncio
import contextlib

import msgspec

from koine.engine.core.engine import Engine
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
"""Seconds between sweeps of all streams while the log is stalled: with `_STALLED_SECONDS` and one
sweep's interval, a right that ended ends its streams within five seconds even then."""
_WAKE_INTERVAL = 0.02
"""Seconds between two hints to other nodes, at least."""
_decode = msgspec.msgpack.Decoder(EphemeralEvent).decode


class Realtime:
    """Made and started by `server.followers`, one in each process; ended with `close`."""

    def __init__(self, engine: Engine, bus: Bus, shutdown_signal: ShutdownSignal) -> None:
        self.engine = engine
        self.shutdown_signal = shutdown_signal
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
        """Begin to follow the log. From now on commits of this process wake the log reader."""
        await self._bus.start(self._on_bus_message)
        # Last of all: what it awaits must not delay followers that only wake a task of theirs.
        self.log_reader.followers.append(self._dispatcher)
        self.log_reader.progress["streams"] = lambda: self.hub.delivered
        self.engine.db.after_commit = self._on_commit
        for work in (self.log_reader.run(), self._sweep(), self._drain(), self.presence.run()):
            self._tasks.append(asyncio.create_task(work))

    async def connect(
        self, reader: Reader, cursor: str | None, rights_version: int | None = None
    ) -> Subscriber:
        """Subscribe a reader; see `Hub.subscribe`. Waits until the log reader has started.

        `rights_version` is what `hub.rights_version` was before the reader was authenticated with
        the database (not from a cache): the credential is not checked again if it is still the
        same.
        """
        await self.log_reader.started.wait()
        first = not self.hub.count
        subscriber = self.hub.subscribe(reader, cursor)
        self.presence.connected(subscriber.connected_as)
        try:
            await self.reauth.admit_new(subscriber, first, rights_version)
        except BaseException:
            self.disconnect(subscriber)
            raise
        if self.shutdown_signal.started:
            subscriber.close("draining")
        return subscriber

    async def cursor(self) -> str:
        """The cursor of a reader that wants only new events. Waits until the log reader has
        started."""
        await self.log_reader.started.wait()
        return self.hub.cursor()

    def disconnect(self, subscriber: Subscriber) -> None:
        """The client of a stream disconnected."""
        subscriber.leave()
        self.presence.disconnected(subscriber.connected_as)

    def publish_ephemeral(self, event: EphemeralEvent) -> None:
        """Send an ephemeral event to the streams that may receive it, on every node."""
        self.ephemeral.publish(event)
        self._publish_to_nodes(event)

    async def close(self) -> None:
        """Close all streams and stop."""
        for subscriber in self.hub.subscribers():
            subscriber.close("draining")
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.reauth.close()
        await self._bus.close()

    def _publish_to_nodes(self, event: EphemeralEvent) -> None:
        self._bus.publish("ephemeral", msgspec.msgpack.encode(event))

    def _on_commit(self) -> None:
        self.log_reader.wake()
        if self._wake_timer is None:
            loop = asyncio.get_running_loop()
            self._wake_timer = loop.call_later(_WAKE_INTERVAL, self._on_wake_interval)
            self._bus.publish("log_advanced")

    def _on_wake_interval(self) -> None:
        # This hint covers what was committed since the last one.
        self._wake_timer = None
        self._bus.publish("log_advanced")

    def _on_bus_message(self, subject: Subject, payload: bytes) -> None:
        if subject == "log_advanced":
            self.log_reader.wake()
            return
        with contextlib.suppress(msgspec.MsgspecError):
            event = _decode(payload)
            if self.presence.apply_remote(event):
                self.ephemeral.publish(event)

    async def _sweep(self) -> None:
        turns = 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            turns += 1
            everyone = (
                self.log_reader.stalled_seconds() > _STALLED_SECONDS
                and turns % _STALLED_SWEEP_SECONDS == 0
            )
            await self.reauth.sweep(everyone)

    async def _drain(self) -> None:
        await self.shutdown_signal.wait()
        for subscriber in self.hub.subscribers():
            subscriber.close("draining")
