"""A seat: one live connection's place in the log, and the bounded queue of what it is told next."""

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
"""Why a seat ended: its reader went, did not keep up, lost its right, its credential's time was
over, the process ends, or another database is behind the address."""
ResetReason = Literal["unknown", "epoch", "too_old"]
"""Why a cursor is worth nothing: it is none of ours, of before a restore, or older than what the
log still holds."""

VOID_CURSOR = str(Cursor("none", 0))
"""A cursor worth nothing, of an epoch that is none: whoever shows it is told to begin anew."""
MAX_QUEUED_FRAMES = 1_000
"""What may wait for one reader, in at most `stream_queue_bytes`. Beyond it the seat is closed, and
comes back with its cursor."""


class Closed(Exception):
    """The seat has ended; `cursor` is where its reader was."""

    def __init__(self, reason: CloseReason, cursor: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cursor = cursor


class Batch(Struct, frozen=True):
    """What a reader is to be sent next: frames in order, each with the cursor behind it ("" for a
    whisper, which has no place in the log), after a reset if there is one."""

    frames: list[tuple[str, bytes]]
    reset: ResetReason | None = None


class SubscriberHub(Protocol):
    """What a seat needs of the hub it stands in."""

    epoch: str
    delivered: int
    queue_bytes: int

    async def catch_up(self, seat: "Subscriber") -> Batch:
        """The next page of the log for a reader who is behind."""

    def unsubscribe(self, seat: "Subscriber", reason: CloseReason) -> None:
        """The seat has ended."""


class Subscriber:
    """Made by `Hub.open`; read by one task, in a loop of `read`; given up with `leave`."""

    def __init__(
        self, hub: SubscriberHub, voice: Reader, position: int, reset: ResetReason | None
    ) -> None:
        self._hub = hub
        self._epoch = hub.epoch
        self.reader = voice
        self.connected_as = voice.actor
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
        self._counted = metrics.EVENTS_DELIVERED.labels(voice.name)

    @property
    def cursor(self) -> str:
        """Where the reader is: everything before was handed to it by `read`. One who must begin
        anew and was not told so yet is nowhere."""
        return (
            VOID_CURSOR if self._reset is not None else self.cursor_at(self._delivered_position())
        )

    @property
    def is_closed(self) -> bool:
        """Whether `read` will raise Closed."""
        return self._reason is not None

    def is_receiving(self) -> bool:
        """Whether it may be told anything: it has not ended, and it is known whose it is."""
        return self._reason is None and not self.suspended

    def cursor_at(self, position: int) -> str:
        """The cursor of a position in the log that this seat reads."""
        return str(Cursor(self._epoch, position))

    async def read(self, wait: float) -> Batch:
        """What comes next; nothing at all when `wait` seconds pass without a word.

        Reads the log until the reader has caught up, then waits for what the hub puts. Raises
        Closed; Unavailable while the reader catches up and the database is away.
        """
        if self._reset is not None and self._reason is None:
            told, self._reset = Batch([], self._reset), None
            return told
        if self.is_receiving() and not self.live:
            told = await self._hub.catch_up(self)
            if told.frames or told.reset:
                self._counted.inc(len(told.frames))
                return told
        if not self._queue and self._reason is None:
            await self._wait(wait)
        if self._reason is not None:
            raise Closed(self._reason, self.cursor)
        return self._drain_queue()

    def put(self, position: int, frame: bytes) -> None:
        """Queue a frame for a reader who has caught up; position 0 is a whisper's. With nothing
        else in the queue it may be longer than the whole of it."""
        self._bytes += len(frame)
        full = len(self._queue) >= MAX_QUEUED_FRAMES or self._bytes > self._max_bytes
        if full and self._queue:
            if position == 0:
                self._bytes -= len(frame)  # a whisper is not worth a seat
            else:
                self.close("slow")
            return
        self._queue.append((position, frame))
        self._wake()

    def suspend(self) -> None:
        """Nobody can tell who the reader is: it hears nothing until `resume`, then all of it."""
        self.position = self._delivered_position()
        self.suspended, self.live = True, False
        self._queue.clear()
        self._bytes = 0

    def resume(self, actor: Actor) -> None:
        """The reader is known again."""
        self.reader.actor = actor
        if self.suspended:
            self.suspended = False
            self._wake()

    def reset(self, reason: ResetReason, position: int) -> None:
        """What the reader knew of its place is void; it goes on from `position`."""
        self.position = position
        self._reset = reason

    def close(self, reason: CloseReason) -> None:
        """End the seat: what is queued is dropped, the reader learns where it was."""
        if self._reason is None:
            self.position = self._delivered_position()
            self._reason, self.live = reason, False
            self._queue.clear()
            self._hub.unsubscribe(self, reason)
            self._wake()

    def leave(self) -> None:
        """The reader is gone."""
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
