"""A seat's cursor is never one that would leave something out, whatever ends or doubts the seat."""

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
    opened,
    realtime_of,
    received,
    say,
)


async def seat_of(relay: Realtime, actor: Actor, cursor: str | None = None) -> Subscriber:
    return await relay.connect(PlainReader(actor), cursor)


@pytest.mark.parametrize("shown", ["nonsense", "other.12"])
async def test_who_is_cut_off_before_it_is_told_to_begin_anew_is_told_when_it_is_back(
    cast: Cast, shown: str
) -> None:
    async with realtime_of(cast.engine) as relay:
        cut = await seat_of(relay, cast.acme.actor("dan"), shown)
        again = await seat_of(relay, cast.acme.actor("dan"), cut.cursor)
        assert (await again.read(1)).reset == "epoch"
        third = await seat_of(relay, cast.acme.actor("dan"), again.cursor)
        assert (await third.read(0.05)).reset is None


async def test_who_is_closed_because_the_log_is_another_has_a_cursor_of_the_old_one(
    cast: Cast,
) -> None:
    async with realtime_of(cast.engine) as relay:
        seat = await seat_of(relay, cast.acme.actor("dan"))
        await seat.read(0.01)
        relay.hub.reset_epoch("another", relay.hub.position + 5)
        with pytest.raises(Closed) as closed:
            await seat.read(1)
        again = await seat_of(relay, cast.acme.actor("dan"), closed.value.cursor)
        assert (await again.read(1)).reset == "epoch"


async def test_a_cursor_that_is_beyond_the_log_is_reset(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        await relay.cursor()
        beyond = relay.hub.cursor_at(10**12)
        seat = await seat_of(relay, cast.acme.actor("dan"), beyond)
        assert (await seat.read(1)).reset == "unknown"
        await say(cast, talk, "hello")
        assert await received(seat, 1) == ["message.created 1"]


async def test_a_cursor_that_is_ahead_of_this_process_alone_is_good(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 60)
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        wake, cast.engine.db.after_commit = cast.engine.db.after_commit, no_listener
        await asyncio.sleep(0.1)
        await say(cast, talk, "told by another process")
        ahead = relay.hub.cursor_at((await cast.engine.db.read("", events.log_snapshot)).last)
        seat = await seat_of(relay, cast.acme.actor("dan"), ahead)
        told = await seat.read(0.05)
        assert (told.reset, told.frames, seat.cursor) == (None, [], ahead)
        cast.engine.db.after_commit = wake
        await say(cast, talk, "next")
        assert await received(seat, 1) == ["message.created 2"]


async def test_who_is_doubted_while_it_reads_the_log_hears_nothing_of_it(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        start = await relay.cursor()
        await say(cast, talk, "hello")
        assert await received(await seat_of(relay, cast.acme.actor("dan"), start), 1)
        voice = _Doubting(cast.acme.actor("dan"))
        voice.seat = seat = await relay.connect(voice, start)
        assert await received(seat, 1, 0.1) == [] and not seat.live
        voice.seat = None
        seat.resume(voice.actor)
        assert await received(seat, 1) == ["message.created 1"]


class _Doubting(PlainReader):
    """In doubt as soon as the database is asked for a page."""

    seat: Subscriber | None = None

    @property
    def actor(self) -> Actor:
        if self.seat is not None:
            self.seat.suspend()
        return self._actor

    @actor.setter
    def actor(self, actor: Actor) -> None:
        self._actor = actor


async def test_who_was_doubted_and_had_nothing_to_hear_is_not_too_old(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        idle = await seat_of(relay, cast.rival.actor("dan"))
        busy = await seat_of(relay, cast.acme.actor("dan"))
        await idle.read(0.01)
        await say(cast, talk, "hello")
        await received(busy, 1)
        await asyncio.sleep(0.05)
        idle.suspend()
        await fresh_db.write("", event_log_state.forget_before, cast.clock.now() + 1, 1_000)
        idle.resume(idle.reader.actor)
        assert (await idle.read(0.1)).reset is None


async def test_who_keeps_up_is_not_closed_for_what_comes_at_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "POLL_SECONDS", 1.5)
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        seat = await relay.connect(PlainReader(cast.acme.actor("dan"), _WordyEncoder()), None)
        await seat.read(0.01)
        cast.engine.db.after_commit = no_listener
        await asyncio.sleep(0.1)
        await asyncio.gather(*(say(cast, talk, f"{n}") for n in range(60)))
        assert len(await received(seat, 60, 3)) == 60


class _WordyEncoder(PlainEventEncoder, frozen=True):
    def encode(self, happening: EventContext, view: object) -> bytes | None:
        return b"x" * 10_000
