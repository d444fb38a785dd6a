"""The live seats of this process, and what each is told.

`position` is how far the log has been taken up here, `delivered` how far it has been told;
`rights` grows whenever somebody's rights may have changed, as far as the log was read. A seat
joins the living when it has read the log up to `position` itself; from there on it is told. Taking
up comes before telling, so nothing falls between the two, and nothing is told twice.
"""

import asyncio
from collections.abc import Collection

from koine.engine.core.context import Engine
from koine.kit import metrics
from koine.model import cursor
from koine.model.cursor import Cursor
from koine.model.event_context import EventContext
from koine.realtime.backlog import Backlog, ReadPosition, shared_only
from koine.realtime.encoding import EventEncodings
from koine.realtime.reader import Reader
from koine.realtime.subscriber import Batch, CloseReason, ResetReason, Subscriber
from koine.store.events import events

Subscribers = set[Subscriber]
EncodedEvent = tuple[str, bytes]
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
        self.rights_version = 0
        self._by_tenant: dict[str, Subscribers] = {}
        self._by_tenant_without_contacts: dict[str, Subscribers] = {}
        self.count = 0

    def cursor(self) -> str:
        """Where a reader begins who wants everything from now on."""
        return self.cursor_at(self.delivered)

    def cursor_at(self, position: int) -> str:
        """The text of a position."""
        return str(Cursor(self.epoch, position))

    def subscribe(self, voice: Reader, cursor: str | None) -> Subscriber:
        """A seat that begins behind the cursor `shown`, or with what happens from now on.

        A cursor that is worth nothing begins now, too, and its reader is told so first.
        """
        position, reset = self._start_position(cursor)
        seat = Subscriber(self, voice, position, reset)
        for kept in self._indexes(seat):
            kept.setdefault(voice.actor.tenant_id, set()).add(seat)
        self.count += 1
        metrics.STREAM_CONNECTIONS.labels(voice.name).inc()
        return seat

    def unsubscribe(self, seat: Subscriber, reason: CloseReason) -> None:
        """Let go of a seat; called by the seat when it ends, once."""
        tenant_id = seat.connected_as.tenant_id
        for kept in self._indexes(seat):
            seats = kept.get(tenant_id, set())
            seats.discard(seat)
            if not seats:
                kept.pop(tenant_id, None)
        self.count -= 1
        metrics.STREAM_CONNECTIONS.labels(seat.reader.name).dec()
        metrics.STREAM_CONNECTIONS_CLOSED.labels(seat.reader.name, reason).inc()

    def tenants(self) -> Collection[str]:
        """The tenants somebody here listens to."""
        return self._by_tenant.keys()

    def subscribers(self, tenant_id: str | None = None, contacts: bool = True) -> list[Subscriber]:
        """The seats of one tenant, or all; of a tenant without those of contacts, too."""
        if tenant_id is not None:
            kept = self._by_tenant if contacts else self._by_tenant_without_contacts
            return list(kept.get(tenant_id, ()))
        return [seat for seats in self._by_tenant.values() for seat in seats]

    def shared_only(self, tenant_id: str) -> list[str]:
        """The people here who hear of others only where they share a conversation."""
        return list(
            {i for s in self._by_tenant.get(tenant_id, ()) if (i := shared_only(s.reader.actor))}
        )

    def dispatch(self, tenant_id: str, contexts: list[EventContext]) -> None:
        """Tell a tenant's live seats, in order, what each may hear."""
        seats = self.subscribers(tenant_id)
        for happening in contexts:
            position, encodings = happening.event.position, EventEncodings(happening)
            for seat in seats:
                if not seat.live or seat.last_position >= position:
                    continue
                seat.last_position = position
                frame = encodings.for_reader(seat.reader)
                if frame is not None:
                    seat.put(position, frame)

    async def catch_up(self, seat: Subscriber) -> Batch:
        """The next page of the log for a reader who is behind; empty once it is live, and when it
        may not listen any more."""
        if seat.position > self.position and await self._is_beyond_log(seat.position):
            seat.reset("unknown", self.delivered)
            return await seat.read(0)
        while seat.is_receiving() and seat.position < self.position:
            place = ReadPosition(seat.reader.actor, seat.position, seat.own_positions)
            page = await self.backlog.page(place, self.position)
            seat.own_positions = place.own_positions
            if not seat.is_receiving():
                return Batch([])
            if page is None:
                seat.reset("too_old", self.delivered)
                return await seat.read(0)
            told, cut = self._encode_page(seat, page.contexts)
            seat.position = page.upto if cut is None else cut
            if told:
                return Batch(told)
            await asyncio.sleep(0)  # who is far behind and hears little leaves others their turn
        if seat.is_receiving():
            seat.live, seat.last_position, seat.own_positions = True, seat.position, None
        return Batch([])

    async def _is_beyond_log(self, position: int) -> bool:
        """Whether the log has not come so far, on any node: it was another log, then."""
        return position > (await self.engine.db.read("", events.log_snapshot)).last

    def _encode_page(
        self, seat: Subscriber, happened: list[EventContext]
    ) -> tuple[list[EncodedEvent], int | None]:
        """The frames of a page, and where it was cut for being too long."""
        told: list[EncodedEvent] = []
        room = self.queue_bytes
        for happening in happened:
            frame, position = (
                EventEncodings(happening).for_reader(seat.reader),
                happening.event.position,
            )
            if frame is not None:
                told.append((seat.cursor_at(position), frame))
                room -= len(frame)
            if room < 0:
                return told, position
        return told, None

    def skip_to(self, position: int) -> None:
        """Go on from here as if all before had been told; nobody here was asked about it."""
        self.position = self.delivered = position
        self.rights_version += 1

    def reset_epoch(self, epoch: str, position: int) -> None:
        """Another log is behind the address: every reader comes back and is told so."""
        for seat in self.subscribers():
            seat.close("moved")
        self.epoch = epoch
        self.skip_to(position)

    def _indexes(self, seat: Subscriber) -> list[dict[str, Subscribers]]:
        is_contact = seat.connected_as.kind == "contact"
        return (
            [self._by_tenant] if is_contact else [self._by_tenant, self._by_tenant_without_contacts]
        )

    def _start_position(self, shown: str | None) -> tuple[int, ResetReason | None]:
        if shown is None:
            return self.delivered, None
        known = cursor.parse(shown)
        if known is None:
            return self.delivered, "unknown"
        return (known.position, None) if known.epoch == self.epoch else (self.delivered, "epoch")
