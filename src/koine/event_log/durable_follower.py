"""A follower that keeps its cursor in the database, so that each event is handled once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from koine.event_log.log_reader import LogState
from koine.model.errors import Unavailable
from koine.model.event import LoggedEvent
from koine.store.core.db import Database, Tx
from koine.store.events import cursors, events

CHUNK_EVENTS = 500
"""Events handled in one transaction."""
CURSOR_SAVE_INTERVAL = 5000
"""The saved cursor stays at most this many positions behind while no event needs a transaction."""
_COALESCE_SECONDS = 0.05
"""Pause between two turns: what is committed meanwhile shares a transaction."""
_RETRY_SECONDS = 0.5
_log = structlog.get_logger("koine.event_log")


class EventHandler(Protocol):
    """What a follower does with events, in one transaction. Made anew for each, with what it reads
    once for all of its events."""

    @property
    def since(self) -> int | None:
        """The position up to which no event is for this follower; None: no event is."""

    async def is_needed(self, chunk: list[LoggedEvent]) -> bool:
        """Whether `handle` would write anything for these events. Only reads."""

    async def handle(self, chunk: list[LoggedEvent]) -> int:
        """Write what is to be done for these events, and nothing else: what leaves the process
        (a request, a mail) is a row here, and sent after the commit. Returns the number of rows."""


OpenHandler = Callable[[Tx], Awaitable[EventHandler]]


class DurableFollower:
    """Handles each event once, on whichever node comes first, also after a crash.

    The rows that follow from a chunk of events and the cursor behind the chunk are written in one
    transaction that holds the cursor's lock. A process that dies before the commit leaves neither;
    two nodes at once take turns, and the second starts where the first ended.

    Most events need no row of most followers, and a transaction for nothing is dear. So a chunk is
    read and asked `is_needed` in a read-only transaction first. How far that went is remembered in
    this process (`_scanned`); another process, or this one after a restart, reads it again.

    `name` is the cursor's in the database: one for each kind of follower, never changed.
    `on_written` is called after each turn that wrote rows. `position` is up to where all events
    were handled, here or by another process, as far as this one knows.
    """

    def __init__(
        self, db: Database, name: str, open_handler: OpenHandler, on_written: Callable[[], None]
    ) -> None:
        self._db = db
        self._name = name
        self._open_handler = open_handler
        self._on_written = on_written
        self._stable = 0
        self._scanned = 0
        self.position = 0
        self._woken = asyncio.Event()

    async def log_advanced(self, log: LogState) -> None:
        """Begin another turn of `run`."""
        self._stable = log.stable
        self._woken.set()

    async def run(self) -> None:
        """Handle events whenever the log has advanced, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.advance()
                await asyncio.sleep(_COALESCE_SECONDS)
            except Unavailable:
                self._woken.set()
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                _log.error("a follower of the event log failed", follower=self._name, exc_info=True)
                self._woken.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def advance(self) -> int:
        """Handle all events up to the stable position; returns the number of rows written. Raises
        Unavailable."""
        written = await self.advance_until(self._stable)
        if written:
            self._on_written()
        return written

    async def advance_until(self, stable: int) -> int:
        """As `advance`, up to a stable position."""
        total = 0
        if stable < self._scanned:
            self._scanned = 0  # the log was rewound: its positions come again
        while await self._needs_transaction(stable):
            written, end = await self._db.write("", self._handle_chunk, stable)
            total += written
            if end >= stable:
                break
        self.position = stable
        return total

    async def _needs_transaction(self, stable: int) -> bool:
        """Scan to the first chunk that has to be written, or so far that the cursor is saved."""
        while True:
            end, is_needed, behind = await self._db.read("", self._scan_chunk, stable)
            if is_needed or behind > CURSOR_SAVE_INTERVAL:
                return True
            self._scanned = max(self._scanned, end)
            if end >= stable:
                return False

    async def _scan_chunk(self, tx: Tx, stable: int) -> tuple[int, bool, int]:
        """Where the next chunk ends, whether it must be written, and how many positions are then
        between it and the saved cursor."""
        handler = await self._open_handler(tx)
        if handler.since is None:
            return stable, False, 0
        cursor = max(await cursors.get(tx, self._name), handler.since)
        end, chunk = await _chunk(tx, max(self._scanned, cursor), stable)
        return end, await handler.is_needed(chunk), end - cursor

    async def _handle_chunk(self, tx: Tx, stable: int) -> tuple[int, int]:
        """Write the rows of one chunk and the cursor; returns their number and the chunk's end.
        The cursor may have moved since the scan: the lock comes first."""
        cursor = await cursors.lock(tx, self._name)
        handler = await self._open_handler(tx)
        since = stable if handler.since is None else handler.since
        end, chunk = await _chunk(tx, max(self._scanned, cursor, since), stable)
        written = await handler.handle(chunk)
        if end > cursor:
            await cursors.save(tx, self._name, end)
        return written, end


async def _chunk(tx: Tx, start: int, stable: int) -> tuple[int, list[LoggedEvent]]:
    """The events after `start` that are handled together, and the position behind them."""
    chunk = await events.after(tx, start, stable, CHUNK_EVENTS)
    return (chunk[-1].position if len(chunk) == CHUNK_EVENTS else max(start, stable)), chunk
