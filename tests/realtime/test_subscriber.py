"""A subscriber's cursor never skips an event, however the stream ends or is suspended."""

import asyncio

import pytest

from koine.event_log import log_reader
from koine.model.actor import Actor
from koine.model.event_context import EventContext
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Closed, Subscriber
from koine.store.core.db import Database, no_listener
from koine.store.events import event_log_state, events
from tests.cast import Cast, make_cast
from tests.realtime.plain_encoder import (
    PlainEventEncoder,
    PlainReader,
    create_conversation,
    realtime_of,
    received,
    send_message,
)


async def new_subscriber(realtime: Realtime, actor: Actor, cursor: str | None = None) -> Subscriber:
    return await realtime.connect(PlainReader(actor), cursor)


@pytest.mark.parametrize("shown", ["nonsense", "other.12"])
async def test_a_client_cut_off_before_its_reset_gets_it_when_it_reconnects(
    cast: Cast, shown: str
) -> None:
    async with realtime_of(cast.engine) as realtime:
        cut = await new_subscriber(realtime, cast.acme.actor("dan"), shown)
        again = await new_subscriber(realtime, cast.acme.actor("dan"), cut.cursor)
        assert (await again.read(1)).reset == "epoch"
        third = await new_subscriber(realtime, cast.acme.actor("dan"), again.cursor)
        assert (await third.read(0.05)).reset is None


async def test_a_stream_closed_for_another_log_has_a_cursor_of_the_old_one(
    cast: Cast,
) -> None:
    async with realtime_of(cast.engine) as realtime:
        subscriber = await new_subscriber(realtime, cast.acme.actor("dan"))
        await subscriber.read(0.01)
        realtime.hub.reset_epoch("another", realtime.hub.position + 5)
        with pytest.raises(Closed) as closed:
            await subscriber.read(1)
        again = await new_subscriber(realtime, cast.acme.actor("dan"), closed.value.cursor)
        assert (await again.read(1)).reset == "epoch"


async def test_a_cursor_that_is_beyond_the_log_is_reset(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        await realtime.cursor()
        beyond = realtime.hub.cursor_at(10**12)
        subscriber = await new_subscriber(realtime, cast.acme.actor("dan"), beyond)
        assert (await subscriber.read(1)).reset == "unknown"
        await send_message(cast, conversation, "hello")
        assert await received(subscriber, 1) == ["message.created 1"]


async def test_a_cursor_ahead_of_this_process_alone_is_valid(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 60)
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        wake, cast.engine.db.after_commit = cast.engine.db.after_commit, no_listener
        await asyncio.sleep(0.1)
        await send_message(cast, conversation, "sent by another process")
        ahead = realtime.hub.cursor_at((await cast.engine.db.read("", events.log_snapshot)).last)
        subscriber = await new_subscriber(realtime, cast.acme.actor("dan"), ahead)
        batch = await subscriber.read(0.05)
        assert (batch.reset, batch.frames, subscriber.cursor) == (None, [], ahead)
        cast.engine.db.after_commit = wake
        await send_message(cast, conversation, "next")
        assert await received(subscriber, 1) == ["message.created 2"]


async def test_a_stream_suspended_while_it_reads_a_page_receives_none_of_it(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        start = await realtime.cursor()
        await send_message(cast, conversation, "hello")
        assert await received(await new_subscriber(realtime, cast.acme.actor("dan"), start), 1)
        reader = _Doubting(cast.acme.actor("dan"))
        reader.subscriber = subscriber = await realtime.connect(reader, start)
        assert await received(subscriber, 1, 0.1) == [] and not subscriber.live
        reader.subscriber = None
        subscriber.resume(reader.actor)
        assert await received(subscriber, 1) == ["message.created 1"]


class _Doubting(PlainReader):
    """In doubt as soon as the database is asked for a page."""

    subscriber: Subscriber | None = None

    @property
    def actor(self) -> Actor:
        if self.subscriber is not None:
            self.subscriber.suspend()
        return self._actor

    @actor.setter
    def actor(self, actor: Actor) -> None:
        self._actor = actor


async def test_a_suspended_stream_without_events_is_not_too_old(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        idle = await new_subscriber(realtime, cast.rival.actor("dan"))
        busy = await new_subscriber(realtime, cast.acme.actor("dan"))
        await idle.read(0.01)
        await send_message(cast, conversation, "hello")
        await received(busy, 1)
        await asyncio.sleep(0.05)
        idle.suspend()
        await empty_db.write("", event_log_state.delete_before, cast.clock.now() + 1, 1_000)
        idle.resume(idle.reader.actor)
        assert (await idle.read(0.1)).reset is None


async def test_a_client_that_keeps_up_is_not_closed_for_a_burst(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 60)
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        subscriber = await realtime.connect(
            PlainReader(cast.acme.actor("dan"), _WordyEncoder()), None
        )
        await subscriber.read(0.01)
        cast.engine.db.after_commit = no_listener
        await asyncio.sleep(0.1)
        await asyncio.gather(*(send_message(cast, conversation, f"{n}") for n in range(60)))
        realtime.log_reader.wake()
        assert len(await received(subscriber, 60)) == 60


class _WordyEncoder(PlainEventEncoder, frozen=True):
    def encode(self, context: EventContext, view: object) -> bytes | None:
        return b"x" * 10_000
