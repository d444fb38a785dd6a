"""The live seats of this process, and what each is told.

`position` is how far the log has been taken up here, `delivered` how far it has been told;
`rights` grows whenever somebody's rights may have changed, as far as the log was read. A seat
joins the living when it has read the log up to `position` itself; from there on it is told. Taking
up comes before telling, so nothing falls between the two, and nothing is told twice.
"""

import asyncio
from collections.abc import Collection

from koine.engine.engine import Engine
from koine.kit import metrics
from koine.model import cursor
from koine.model.cursor import Cursor
from koine.model.happening import EventContext
from koine.relay.backlog import Backlog, ReadPosition, curious
from koine.relay.encoding import EventEncodings
from koine.relay.seat import Reason, ResetReason, Seat, Told
from koine.relay.voice import Voice
from koine.store import events

Seats = set[Seat]
Framed = tuple[str, bytes]
"""A frame and the cursor behind it."""


class Hub:
    """One in each process; used from its event loop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.queue_bytes = engine.settings.stream_queue_bytes
        self.backlog = Backlog(engine)
        self.epoch = ""
        self.position = 0
        self.delivered = 0
        self.rights = 0
        self._seats: dict[str, Seats] = {}
        self._no_contacts: dict[str, Seats] = {}
        self.count = 0

    def cursor(self) -> str:
        """Where a reader begins who wants everything from now on."""
        return self.cursor_at(self.delivered)

    def cursor_at(self, position: int) -> str:
        """The text of a position."""
        return str(Cursor(self.epoch, position))

    def open(self, voice: Voice, shown: str | None) -> Seat:
        """A seat that begins behind the cursor `shown`, or with what happens from now on.

        A cursor that is worth nothing begins now, too, and its reader is told so first.
        """
        position, reset = self._begin(shown)
        seat = Seat(self, voice, position, reset)
        for kept in self._kept(seat):
            kept.setdefault(voice.actor.tenant_id, set()).add(seat)
        self.count += 1
        metrics.STREAM_CONNECTIONS.labels(voice.name).inc()
        return seat

    def leave(self, seat: Seat, reason: Reason) -> None:
        """Let go of a seat; called by the seat when it ends, once."""
        tenant_id = seat.taken_by.tenant_id
        for kept in self._kept(seat):
            seats = kept.get(tenant_id, set())
            seats.discard(seat)
            if not seats:
                kept.pop(tenant_id, None)
        self.count -= 1
        metrics.STREAM_CONNECTIONS.labels(seat.voice.name).dec()
        metrics.STREAM_CONNECTIONS_CLOSED.labels(seat.voice.name, reason).inc()

    def tenants(self) -> Collection[str]:
        """The tenants somebody here listens to."""
        return self._seats.keys()

    def seats(self, tenant_id: str | None = None, contacts: bool = True) -> list[Seat]:
        """The seats of one tenant, or all; of a tenant without those of contacts, too."""
        if tenant_id is not None:
            kept = self._seats if contacts else self._no_contacts
            return list(kept.get(tenant_id, ()))
        return [seat for seats in self._seats.values() for seat in seats]

    def curious(self, tenant_id: str) -> list[str]:
        """The people here who hear of others only where they share a conversation."""
        return list({i for s in self._seats.get(tenant_id, ()) if (i := curious(s.voice.actor))})

    def tell(self, tenant_id: str, happened: list[EventContext]) -> None:
        """Tell a tenant's live seats, in order, what each may hear."""
        seats = self.seats(tenant_id)
        for happening in happened:
            position, encodings = happening.event.position, EventEncodings(happening)
            for seat in seats:
                if not seat.live or seat.heard >= position:
                    continue
                seat.heard = position
                frame = encodings.of(seat.voice)
                if frame is not None:
                    seat.put(position, frame)

    async def catch_up(self, seat: Seat) -> Told:
        """The next page of the log for a reader who is behind; empty once it is live, and when it
        may not listen any more."""
        if seat.position > self.position and await self._is_to_come(seat.position):
            seat.reset("unknown", self.delivered)
            return await seat.read(0)
        while seat.listens() and seat.position < self.position:
            place = ReadPosition(seat.voice.actor, seat.position, seat.found)
            page = await self.backlog.page(place, self.position)
            seat.found = place.found
            if not seat.listens():
                return Told([])
            if page is None:
                seat.reset("too_old", self.delivered)
                return await seat.read(0)
            told, cut = self._framed(seat, page.happened)
            seat.position = page.upto if cut is None else cut
            if told:
                return Told(told)
            await asyncio.sleep(0)  # who is far behind and hears little leaves others their turn
        if seat.listens():
            seat.live, seat.heard, seat.found = True, seat.position, None
        return Told([])

    async def _is_to_come(self, position: int) -> bool:
        """Whether the log has not come so far, on any node: it was another log, then."""
        return position > (await self.engine.db.read("", events.log_snapshot)).last

    def _framed(self, seat: Seat, happened: list[EventContext]) -> tuple[list[Framed], int | None]:
        """The frames of a page, and where it was cut for being too long."""
        told: list[Framed] = []
        room = self.queue_bytes
        for happening in happened:
            frame, position = EventEncodings(happening).of(seat.voice), happening.event.position
            if frame is not None:
                told.append((seat.at(position), frame))
                room -= len(frame)
            if room < 0:
                return told, position
        return told, None

    def skip_to(self, position: int) -> None:
        """Go on from here as if all before had been told; nobody here was asked about it."""
        self.position = self.delivered = position
        self.rights += 1

    def begin_anew(self, epoch: str, position: int) -> None:
        """Another log is behind the address: every reader comes back and is told so."""
        for seat in self.seats():
            seat.close("moved")
        self.epoch = epoch
        self.skip_to(position)

    def _kept(self, seat: Seat) -> list[dict[str, Seats]]:
        is_contact = seat.taken_by.kind == "contact"
        return [self._seats] if is_contact else [self._seats, self._no_contacts]

    def _begin(self, shown: str | None) -> tuple[int, ResetReason | None]:
        if shown is None:
            return self.delivered, None
        known = cursor.parse(shown)
        if known is None:
            return self.delivered, "unknown"
        return (known.position, None) if known.epoch == self.epoch else (self.delivered, "epoch")
