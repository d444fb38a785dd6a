"""Pages of the log for streams that are behind, with fair turns.

A reader that may receive all events of the tenant reads the log in order. Any other finds the
positions of its own events first (`engine.events.reader_events`), so that a contact that comes back
does not read, and pay for, the events of everybody else.
"""

from bisect import bisect_right

from msgspec import Struct

from koine.engine.auth.visibility import receives_whole_log
from koine.engine.core.engine import Engine
from koine.engine.events import reader_events
from koine.engine.events.reader_events import PositionRange
from koine.event_log.contexts import load_contexts
from koine.kit import metrics
from koine.kit.fair_semaphore import Bounds, FairSemaphore
from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.store.core.db import Tx
from koine.store.events import event_log_state, events

PAGE_EVENTS = 200
"""Events in a page."""
IN_ORDER_BELOW = 50
"""A reader at most so many positions behind reads the log in order: to find its own events would
take longer."""
MAX_OWN_POSITIONS = 2_000
"""Own positions that are found at once."""
MAX_OWN_CONVERSATIONS = 10_000
"""A reader with more conversations reads the log in order."""
CONCURRENT_PAGES = Bounds(max_concurrent=4, max_per_group=3, max_per_caller=1)
"""Pages that are read at the same time: in all, for one tenant, for one credential."""


class OwnPositions(Struct, frozen=True):
    """The positions after `after` and up to `upto` that may concern the actor, in order."""

    actor: Actor
    after: int
    upto: int
    positions: list[int]


class Page(Struct, frozen=True):
    """The events up to a position."""

    upto: int
    contexts: list[EventContext]


class ReaderProgress(Struct):
    """The position of the last event that a reader has read or passed over; `own_positions` is
    kept from page to page."""

    actor: Actor
    position: int
    own_positions: OwnPositions | None = None


class Backlog:
    """One in each process. Tests set `in_order_below` so that no page is read in order."""

    def __init__(self, engine: Engine) -> None:
        self.in_order_below = IN_ORDER_BELOW
        self._db = engine.db
        self._max_contact_events = engine.settings.contact_catch_up_events
        self._slots = FairSemaphore(CONCURRENT_PAGES)

    async def page(self, progress: ReaderProgress, upto: int) -> Page | None:
        """The next page, at most up to `upto`; None when events behind the position are no longer
        in the log, or a contact missed more than it may catch up with."""
        async with self._slots.slot(progress.actor.tenant_id, progress.actor.caller):
            if upto - progress.position <= self.in_order_below or receives_whole_log(
                progress.actor
            ):
                return await self._log_page(progress, upto)
            return await self._own_page(progress, upto)

    async def _log_page(self, progress: ReaderProgress, upto: int) -> Page | None:
        found, deleted_until = await self._db.read(
            progress.actor.tenant_id, _read_after, progress.position, upto
        )
        if progress.position < deleted_until:
            return None
        last = found[-1].position if len(found) == PAGE_EVENTS else upto
        return Page(last, await self._load("log", progress.actor, found))

    async def _own_page(self, progress: ReaderProgress, upto: int) -> Page | None:
        if not _covers(progress):
            return await self._find_own_positions(progress, upto)
        return await self._next_own_page(progress)

    async def _find_own_positions(self, progress: ReaderProgress, upto: int) -> Page | None:
        """Find the reader's own positions, and return the first page of them."""
        actor, is_contact = progress.actor, progress.actor.kind == "contact"
        own = await reader_events.conversations(self._db, actor, MAX_OWN_CONVERSATIONS)
        if own is None:
            return None if is_contact else await self._log_page(progress, upto)
        most = self._max_contact_events if is_contact else MAX_OWN_POSITIONS
        stretch = PositionRange(progress.position, upto, most)
        positions, is_more = await reader_events.positions(self._db, actor, own, stretch)
        if is_more and is_contact:
            return None
        progress.own_positions = OwnPositions(
            actor, progress.position, positions[-1] if is_more else upto, positions
        )
        return await self._next_own_page(progress)

    async def _next_own_page(self, progress: ReaderProgress) -> Page | None:
        """The next page of the positions that were found."""
        own = progress.own_positions
        assert own is not None
        first = bisect_right(own.positions, progress.position)
        positions = own.positions[first : first + PAGE_EVENTS]
        found, deleted_until = await self._db.read(progress.actor.tenant_id, _read_at, positions)
        if progress.position < deleted_until:
            return None
        is_last = first + PAGE_EVENTS >= len(own.positions)
        upto = own.upto if is_last else positions[-1]
        return Page(upto, await self._load("own", progress.actor, found))

    async def _load(self, how: str, actor: Actor, events: list[LoggedEvent]) -> list[EventContext]:
        metrics.EVENTS_CAUGHT_UP.labels(how).inc(len(events))
        shared = shared_only(actor)
        return await load_contexts(self._db, actor.tenant_id, events, [shared] if shared else [])


def shared_only(actor: Actor) -> str | None:
    """The id of a reader that receives changes of people only if they share a conversation with it.
    Staff receives all of them, a contact none."""
    return actor.identity_id if actor.kind == "user" else None


def _covers(progress: ReaderProgress) -> bool:
    """Whether the positions found before are of the same actor and go beyond where it is."""
    found = progress.own_positions
    return (
        found is not None
        and found.actor == progress.actor
        and found.after <= progress.position < found.upto
    )


async def _read_after(tx: Tx, position: int, upto: int) -> tuple[list[LoggedEvent], int]:
    """A page of the log, and the position up to which the log was deleted, in one transaction: so
    no event of the page can be missing."""
    found = await events.of_tenant_after(tx, position, upto, PAGE_EVENTS)
    return found, await event_log_state.tenant_floor(tx)


async def _read_at(tx: Tx, positions: list[int]) -> tuple[list[LoggedEvent], int]:
    """As `_read_after`, of these positions."""
    found = await events.get_by_positions(tx, positions) if positions else []
    return found, await event_log_state.tenant_floor(tx)
