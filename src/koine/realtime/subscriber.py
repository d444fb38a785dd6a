"""One open stream: how far it has read the log, and the bounded queue of what it is sent next."""

import asyncio
from collections import deque
from typing import Literal, Protocol

from msgspec import Struct

from koine.kit import metrics
from koine.model.actor import Actor
from koine.model.cursor import Cursor
from koine.realtime.backlog import OwnPositions
from koine.realtime.reader import Reader

CloseReason = Literal["gone", "slow", "revoked", "expired", "draining", "moved"]
"""Why a stream was closed: the client disconnected, it read too slowly, its credential lost a right
or expired, the process drains, or another log took the place of this one."""
ResetReason = Literal["unknown", "epoch", "too_old"]
"""Why a cursor cannot be continued: it is not one of this server's, it is of another epoch, or
events behind it are no longer in the log."""

VOID_CURSOR = str(Cursor("none", 0))
"""A cursor of an epoch that never exists: a client that sends it gets a reset."""
MAX_QUEUED_FRAMES = 1_000
"""Events that may be queued for one stream, in at most `stream_queue_bytes`. Beyond that the stream
is closed as slow: its client reconnects with its cursor and reads the log at its own speed, which
costs this process no memory."""


class Closed(Exception):
    """The stream was closed; `cursor` is where its client was."""

    def __init__(self, reason: CloseReason, cursor: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cursor = cursor


class Batch(Struct, frozen=True):
    """What a client is sent next: events in order, each with the cursor behind it (empty for an
    ephemeral event, which has no position), after a reset if there is one."""

    frames: list[tuple[str, bytes]]
    reset: ResetReason | None = None


class SubscriberHub(Protocol):
    """What a subscriber needs of its hub."""

    epoch: str
    delivered: int
    queue_bytes: int

    async def catch_up(self, subscriber: "Subscriber") -> Batch:
        """The next page of the log for a subscriber that is behind."""

    def unsubscribe(self, subscriber: "Subscriber", reason: CloseReason) -> None:
        """The subscriber was closed."""


class Subscriber:
    """Made by `Hub.subscribe`; one task reads it, in a loop of `read`; ended with `leave`.

    `position` is how far it was read. `live` means that it has read all there was and the hub
    queues new events. `suspended` means that its credential could not be checked: until it was,
    nothing is queued or read, and `position` stays, so that no event is skipped.
    """

    def __init__(
        self, hub: SubscriberHub, reader: Reader, position: int, reset: ResetReason | None
    ) -> None:
        self._hub = hub
        self._epoch = hub.epoch
        self.reader = reader
        self.connected_as = reader.actor
        self.position = position
        self.own_positions: OwnPositions | None = None
        self.live = False
        self.last_position = position
        self.suspended = False
        self._reset = reset
        self._queue: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._max_bytes = hub.queue_bytes
        self._reason: CloseReason | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._counted = metrics.EVENTS_DELIVERED.labels(reader.name)

    @property
    def cursor(self) -> str:
        """The cursor behind what `read` has returned. Before a reset was returned it is void, so
        that a client that disconnects in between gets the reset when it comes back."""
        return (
            VOID_CURSOR if self._reset is not None else self.cursor_at(self._delivered_position())
        )

    @property
    def is_closed(self) -> bool:
        """Whether `read` raises Closed."""
        return self._reason is not None

    def is_receiving(self) -> bool:
        """Whether it may receive events: it is not closed, and its credential was checked."""
        return self._reason is None and not self.suspended

    def cursor_at(self, position: int) -> str:
        """The cursor of a position in this subscriber's epoch."""
        return str(Cursor(self._epoch, position))

    async def read(self, wait: float) -> Batch:
        """What comes next; an empty batch when `wait` seconds pass without anything, or when the
        stream is resumed and the log has nothing for it yet.

        Reads pages of the log until it has caught up, then waits for what the hub queues. Raises
        Closed, and Unavailable when the log cannot be read.
        """
        if self._reset is not None and self._reason is None:
            batch, self._reset = Batch([], self._reset), None
            return batch
        if self.is_receiving() and not self.live:
            batch = await self._hub.catch_up(self)
            if batch.frames or batch.reset:
                self._counted.inc(len(batch.frames))
                return batch
        if not self._queue and self._reason is None:
            await self._wait(wait)
        if self._reason is not None:
            raise Closed(self._reason, self.cursor)
        return self._drain_queue()

    def put(self, position: int, frame: bytes) -> None:
        """Queue an event for a live subscriber; position 0 is an ephemeral event's. An empty queue
        takes an event of any size."""
        self._bytes += len(frame)
        full = len(self._queue) >= MAX_QUEUED_FRAMES or self._bytes > self._max_bytes
        if full and self._queue:
            if position == 0:
                self._bytes -= len(frame)  # dropped: an ephemeral event is not worth a reconnect
            else:
                self.close("slow")
            return
        self._queue.append((position, frame))
        self._wake()

    def suspend(self) -> None:
        """The credential cannot be checked now. What is queued is dropped and read again from the
        log after `resume`: it must not be sent to a client that may have lost its rights."""
        self.position = self._delivered_position()
        self.suspended, self.live = True, False
        self._queue.clear()
        self._bytes = 0

    def resume(self, actor: Actor) -> None:
        """The credential was checked, and the actor is this."""
        self.reader.actor = actor
        if self.suspended:
            self.suspended = False
            self._wake()

    def reset(self, reason: ResetReason, position: int) -> None:
        """The client's cursor has no meaning here; it continues from `position`."""
        self.position = position
        self._reset = reason

    def close(self, reason: CloseReason) -> None:
        """Close the stream: the queue is dropped, and `read` raises Closed with the cursor of what
        was read."""
        if self._reason is None:
            self.position = self._delivered_position()
            self._reason, self.live = reason, False
            self._queue.clear()
            self._hub.unsubscribe(self, reason)
            self._wake()

    def leave(self) -> None:
        """The client disconnected."""
        self.close("gone")

    def _drain_queue(self) -> Batch:
        frames = []
        while self._queue:
            position, frame = self._queue.popleft()
            if position:
                self.position = position
            frames.append((self.cursor_at(position) if position else "", frame))
        self._bytes = 0
        if frames:
            self._counted.inc(len(frames))
        return Batch(frames)

    def _delivered_position(self) -> int:
        caught_up = self.live and not self._queue and self._reason is None
        return max(self.position, self._hub.delivered) if caught_up else self.position

    async def _wait(self, seconds: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        handle = asyncio.get_running_loop().call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            handle.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
