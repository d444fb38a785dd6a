"""What a reader who is behind is given next, a page at a time, in turn with the others.

Who follows all of the tenant's events reads the log in order. Who follows its own finds them
(`engine.own_events`): those of others cost it nothing.
"""

from bisect import bisect_right

from msgspec import Struct

from koine.engine.auth.visibility import receives_whole_log
from koine.engine.core.context import Engine
from koine.engine.events import own_events as finding
from koine.engine.events.own_events import PositionRange
from koine.event_log.contexts import load_contexts
from koine.kit import metrics
from koine.kit.fair_semaphore import Bounds, FairSemaphore
from koine.model.actor import Actor
from koine.model.event import LoggedEvent
from koine.model.event_context import EventContext
from koine.store.core.db import Tx
from koine.store.events import event_log_state, events, reader_events

PAGE_EVENTS = 200
"""How many events a reader who is behind is given at once."""
IN_ORDER_BELOW = 50
"""Readers so few positions behind read the log in order: finding their own events costs more."""
MAX_OWN_POSITIONS = 2_000
"""Positions of its own that are found for a reader at once."""
MAX_OWN_CONVERSATIONS = 10_000
"""One who has more reads the log in order."""
CONCURRENT_PAGES = Bounds(max_concurrent=4, max_per_group=3, max_per_caller=1)
"""How many pages are read at the same time: in all, for one tenant, for one credential."""


class OwnPositions(Struct, frozen=True):
    """The positions after one and up to another that may concern the actor, in order."""

    actor: Actor
    after: int
    upto: int
    positions: list[int]


class Page(Struct, frozen=True):
    """What happened up to a position."""

    upto: int
    contexts: list[EventContext]


class ReadPosition(Struct):
    """How far a reader has read the log: up to `position`. `found` is kept from page to page."""

    actor: Actor
    position: int
    own_positions: OwnPositions | None = None


class Backlog:
    """One in each process. `few` is FEW, for tests that want none read in order."""

    def __init__(self, engine: Engine) -> None:
        self.in_order_below = IN_ORDER_BELOW
        self._db = engine.db
        self._max_contact_events = engine.settings.contact_catch_up_events
        self._slots = FairSemaphore(CONCURRENT_PAGES)

    async def page(self, place: ReadPosition, upto: int) -> Page | None:
        """The next page of a place, at most up to `upto`; None when the log begins later, or a
        contact has missed more than it may catch up."""
        async with self._slots.slot(place.actor.tenant_id, place.actor.caller):
            if upto - place.position <= self.in_order_below or receives_whole_log(place.actor):
                return await self._log_page(place, upto)
            return await self._own_page(place, upto)

    async def _log_page(self, place: ReadPosition, upto: int) -> Page | None:
        found, floor = await self._db.read(place.actor.tenant_id, _read_after, place.position, upto)
        if place.position < floor:
            return None
        last = found[-1].position if len(found) == PAGE_EVENTS else upto
        return Page(last, await self._load("log", place.actor, found))

    async def _own_page(self, place: ReadPosition, upto: int) -> Page | None:
        if not _covers(place):
            return await self._find_own_positions(place, upto)
        return await self._next_own_page(place)

    async def _find_own_positions(self, place: ReadPosition, upto: int) -> Page | None:
        """Find what is the reader's own."""
        actor, is_contact = place.actor, place.actor.kind == "contact"
        own = await finding.conversations(self._db, actor, MAX_OWN_CONVERSATIONS)
        if own is None:
            return None if is_contact else await self._log_page(place, upto)
        most = self._max_contact_events if is_contact else MAX_OWN_POSITIONS
        stretch = PositionRange(place.position, upto, most)
        positions, is_more = await finding.positions(self._db, actor, own, stretch)
        if is_more and is_contact:
            return None
        place.own_positions = OwnPositions(
            actor, place.position, positions[-1] if is_more else upto, positions
        )
        return await self._next_own_page(place)

    async def _next_own_page(self, place: ReadPosition) -> Page | None:
        """The next page of what was found."""
        found = place.own_positions
        assert found is not None
        first = bisect_right(found.positions, place.position)
        positions = found.positions[first : first + PAGE_EVENTS]
        theirs, floor = await self._db.read(place.actor.tenant_id, _read_at, positions)
        if place.position < floor:
            return None
        is_last = first + PAGE_EVENTS >= len(found.positions)
        upto = found.upto if is_last else positions[-1]
        return Page(upto, await self._load("own", place.actor, theirs))

    async def _load(self, how: str, actor: Actor, theirs: list[LoggedEvent]) -> list[EventContext]:
        metrics.EVENTS_CAUGHT_UP.labels(how).inc(len(theirs))
        who = shared_only(actor)
        return await load_contexts(self._db, actor.tenant_id, theirs, [who] if who else [])


def shared_only(actor: Actor) -> str | None:
    """The id of a reader who is told of people only where they meet: staff is told of all, a
    contact of none."""
    return actor.identity_id if actor.kind == "user" else None


def _covers(place: ReadPosition) -> bool:
    """Whether what was found before is of the same reader and covers its place."""
    found = place.own_positions
    return (
        found is not None
        and found.actor == place.actor
        and found.after <= place.position < found.upto
    )


async def _read_after(tx: Tx, position: int, upto: int) -> tuple[list[LoggedEvent], int]:
    """A page of the log, and how far it was forgotten by the time it was read."""
    found = await events.of_tenant_after(tx, position, upto, PAGE_EVENTS)
    return found, await event_log_state.retention_floor(tx)


async def _read_at(tx: Tx, positions: list[int]) -> tuple[list[LoggedEvent], int]:
    """As `_found`, of these positions."""
    found = await reader_events.at(tx, positions) if positions else []
    return found, await event_log_state.retention_floor(tx)
