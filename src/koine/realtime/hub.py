"""The open streams of this process, and what each of them is sent.

A stream is first behind (it reads pages of the log, `catch_up`) and then live (`dispatch` queues
each new event for it). Between the two no event may be lost or sent twice. So the hub has two
positions: `position` is the end of the chunk that is being dispatched, `delivered` is the end of
the last chunk that was. The dispatcher sets `position` before it queues any event of the chunk, and
a subscriber becomes live only once it has read up to `position` itself. What the subscriber read of
the chunk is in its `last_position`, and `dispatch` skips it.

`rights_version` is increased whenever an event may have changed an actor's rights.
"""

import asyncio
from collections.abc import Collection

from koine.engine.core.engine import Engine
from koine.kit import metrics
from koine.model import cursor
from koine.model.cursor import Cursor
from koine.model.event_context import EventContext
from koine.realtime.backlog import Backlog, ReaderProgress, shared_only
from koine.realtime.encoding import EventEncodings
from koine.realtime.reader import Reader
from koine.realtime.subscriber import Batch, CloseReason, ResetReason, Subscriber
from koine.store.events import events

Subscribers = set[Subscriber]
EncodedEvent = tuple[str, bytes]
"""The cursor behind an event, and its bytes."""


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
        """The cursor of a reader that wants only new events."""
        return self.cursor_at(self.delivered)

    def cursor_at(self, position: int) -> str:
        """The text of a position."""
        return str(Cursor(self.epoch, position))

    def subscribe(self, reader: Reader, cursor: str | None) -> Subscriber:
        """A subscriber that starts behind `cursor`, or with the next event without one.

        With a cursor that is not valid here it starts with the next event, too, after a reset.
        """
        position, reset = self._start_position(cursor)
        subscriber = Subscriber(self, reader, position, reset)
        for index in self._indexes(subscriber):
            index.setdefault(reader.actor.tenant_id, set()).add(subscriber)
        self.count += 1
        metrics.STREAM_CONNECTIONS.labels(reader.name).inc()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber, reason: CloseReason) -> None:
        """Forget a subscriber; called by itself, once, when it is closed."""
        tenant_id = subscriber.connected_as.tenant_id
        for index in self._indexes(subscriber):
            subscribers = index.get(tenant_id, set())
            subscribers.discard(subscriber)
            if not subscribers:
                index.pop(tenant_id, None)
        self.count -= 1
        metrics.STREAM_CONNECTIONS.labels(subscriber.reader.name).dec()
        metrics.STREAM_CONNECTIONS_CLOSED.labels(subscriber.reader.name, reason).inc()

    def tenants(self) -> Collection[str]:
        """The tenants with open streams in this process."""
        return self._by_tenant.keys()

    def subscribers(self, tenant_id: str | None = None, contacts: bool = True) -> list[Subscriber]:
        """The subscribers of one tenant, with or without those of contacts; of all tenants without
        an id."""
        if tenant_id is not None:
            index = self._by_tenant if contacts else self._by_tenant_without_contacts
            return list(index.get(tenant_id, ()))
        return [
            subscriber for subscribers in self._by_tenant.values() for subscriber in subscribers
        ]

    def shared_only(self, tenant_id: str) -> list[str]:
        """The users with a stream here who receive changes of people only if they share a
        conversation with them."""
        return list(
            {i for s in self._by_tenant.get(tenant_id, ()) if (i := shared_only(s.reader.actor))}
        )

    def dispatch(self, tenant_id: str, contexts: list[EventContext]) -> None:
        """Queue a tenant's events, in order, for the live subscribers that may receive them."""
        subscribers = self.subscribers(tenant_id)
        for context in contexts:
            position, encodings = context.event.position, EventEncodings(context)
            for subscriber in subscribers:
                if not subscriber.live or subscriber.last_position >= position:
                    continue
                subscriber.last_position = position
                frame = encodings.for_reader(subscriber.reader)
                if frame is not None:
                    subscriber.put(position, frame)

    async def catch_up(self, subscriber: Subscriber) -> Batch:
        """The next page of the log for a subscriber that is behind; empty once it is live, and when
        it may not receive anything now."""
        if subscriber.position > self.position and await self._is_beyond_log(subscriber.position):
            subscriber.reset("unknown", self.delivered)
            return await subscriber.read(0)
        while subscriber.is_receiving() and subscriber.position < self.position:
            progress = ReaderProgress(
                subscriber.reader.actor, subscriber.position, subscriber.own_positions
            )
            page = await self.backlog.page(progress, self.position)
            subscriber.own_positions = progress.own_positions
            if not subscriber.is_receiving():
                return Batch([])
            if page is None:
                subscriber.reset("too_old", self.delivered)
                return await subscriber.read(0)
            encoded, cut = self._encode_page(subscriber, page.contexts)
            subscriber.position = page.upto if cut is None else cut
            if encoded:
                return Batch(encoded)
            await asyncio.sleep(
                0
            )  # many pages without an event for this reader must not block other streams
        if subscriber.is_receiving():
            subscriber.live, subscriber.last_position, subscriber.own_positions = (
                True,
                subscriber.position,
                None,
            )
        return Batch([])

    async def _is_beyond_log(self, position: int) -> bool:
        """Whether no node has given out this position yet: then it is of another log."""
        return position > (await self.engine.db.read("", events.log_snapshot)).last

    def _encode_page(
        self, subscriber: Subscriber, contexts: list[EventContext]
    ) -> tuple[list[EncodedEvent], int | None]:
        """The encoded events of a page; and, if they are too many bytes, the position at which the
        page was cut."""
        encoded: list[EncodedEvent] = []
        capacity = self.queue_bytes
        for context in contexts:
            frame, position = (
                EventEncodings(context).for_reader(subscriber.reader),
                context.event.position,
            )
            if frame is not None:
                encoded.append((subscriber.cursor_at(position), frame))
                capacity -= len(frame)
            if capacity < 0:
                return encoded, position
        return encoded, None

    def skip_to(self, position: int) -> None:
        """Continue from here without dispatching what is before: there are no subscribers, or they
        were closed. Nobody's rights were checked meanwhile, so they count as changed."""
        self.position = self.delivered = position
        self.rights_version += 1

    def reset_epoch(self, epoch: str, position: int) -> None:
        """There is another log: every client has to reconnect, and gets a reset."""
        for subscriber in self.subscribers():
            subscriber.close("moved")
        self.epoch = epoch
        self.skip_to(position)

    def _indexes(self, subscriber: Subscriber) -> list[dict[str, Subscribers]]:
        is_contact = subscriber.connected_as.kind == "contact"
        return (
            [self._by_tenant] if is_contact else [self._by_tenant, self._by_tenant_without_contacts]
        )

    def _start_position(self, text: str | None) -> tuple[int, ResetReason | None]:
        if text is None:
            return self.delivered, None
        known = cursor.parse(text)
        if known is None:
            return self.delivered, "unknown"
        return (known.position, None) if known.epoch == self.epoch else (self.delivered, "epoch")
