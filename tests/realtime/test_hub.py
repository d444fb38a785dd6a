"""Seats are told everything that happens and that they may hear, once, in order."""

import asyncio

import pytest

from koine.engine.conversations import participants
from koine.model.actor import Actor
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Closed, Subscriber
from koine.store.core.db import Database
from koine.store.events import event_log_state, events
from tests.cast import Cast, make_cast
from tests.realtime.plain_encoder import PlainReader, opened, realtime_of, received, say


async def seat_of(relay: Realtime, actor: Actor, cursor: str | None = None) -> Subscriber:
    return await relay.connect(PlainReader(actor), cursor)


async def test_what_is_said_is_heard_by_who_takes_part_and_by_nobody_else(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        dan = await seat_of(relay, cast.acme.actor("dan"))
        olaf = await seat_of(relay, cast.acme.actor("olaf"))
        twin = await seat_of(relay, cast.rival.actor("ada"))
        await say(cast, talk, "hello")
        assert await received(dan, 1) == ["message.created 1"]
        assert await received(olaf, 1, 0.1) == [] == await received(twin, 1, 0.1)


async def test_a_private_note_is_heard_by_staff_alone(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        dan = await seat_of(relay, cast.acme.actor("dan"))
        alice = await seat_of(relay, cast.acme.actor("alice"))
        await say(cast, talk, "psst", private=True)
        await say(cast, talk, "hello")
        assert await received(alice, 2) == ["message.created 1", "message.created 2"]
        assert await received(dan, 1) == ["message.created 2"]


async def test_who_comes_back_with_its_cursor_has_missed_nothing(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        first = await seat_of(relay, cast.acme.actor("dan"))
        await say(cast, talk, "one")
        told = await first.read(5)
        first.leave()
        for n in range(300):
            await say(cast, talk, f"{n}")
        again = await seat_of(relay, cast.acme.actor("dan"), told.frames[0][0])
        assert await received(again, 300) == [f"message.created {n}" for n in range(2, 302)]


async def test_who_joins_while_others_speak_hears_each_word_once(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        start = (await seat_of(relay, cast.acme.actor("dan"))).cursor
        speaking = asyncio.gather(*(say(cast, talk, f"{n}") for n in range(200)))
        seats = [await seat_of(relay, cast.acme.actor("dan"), start) for _ in range(5)]
        await speaking
        for seat in seats:
            assert await received(seat, 200) == [f"message.created {n}" for n in range(1, 201)]


async def test_who_is_put_out_hears_no_more(cast: Cast) -> None:
    talk = await opened(cast, "dan", "olaf")
    async with realtime_of(cast.engine) as relay:
        dan = await seat_of(relay, cast.acme.actor("dan"))
        olaf = await seat_of(relay, cast.acme.actor("olaf"))
        await participants.remove(
            cast.engine, cast.acme.actor("ada"), talk.id, [cast.acme.id("dan")]
        )
        await say(cast, talk, "about Dan")
        assert await received(dan, 1) == ["participant.left"]
        assert await received(olaf, 2) == ["participant.left", "message.created 1"]
        assert await received(dan, 1, 0.1) == []


async def test_a_cursor_of_another_epoch_or_of_nothing_is_reset(cast: Cast) -> None:
    async with realtime_of(cast.engine) as relay:
        for shown, reason in (("nonsense", "unknown"), ("other.12", "epoch")):
            seat = await seat_of(relay, cast.acme.actor("dan"), shown)
            assert (await seat.read(1)).reset == reason
            assert (await seat.read(0.05)).frames == []


async def test_a_cursor_older_than_the_log_is_reset(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        first = await seat_of(relay, cast.acme.actor("dan"))
        old = first.cursor
        await say(cast, talk, "one")
        await say(cast, talk, "two")
        assert len(await received(first, 2)) == 2
        later = cast.clock.now() + 1
        assert await cast.engine.db.write("", event_log_state.forget_before, later, 1000)
        assert await cast.engine.db.read("", events.after, 0, 10**9, 10) == []
        seat = await seat_of(relay, cast.acme.actor("dan"), old)
        assert (await seat.read(5)).reset == "too_old"
        await say(cast, talk, "three")
        assert await received(seat, 1) == ["message.created 3"]


async def test_a_reader_who_does_not_read_is_closed_with_its_cursor(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        slow = await seat_of(relay, cast.acme.actor("dan"))
        await slow.read(0.01)
        for n in range(1_100):
            slow.put(n + 1, b"x") if n < 1_001 else None
        with pytest.raises(Closed) as closed:
            await slow.read(1)
        assert closed.value.reason == "slow"
        await say(cast, talk, "later")
        again = await seat_of(relay, cast.acme.actor("dan"), closed.value.cursor)
        assert await received(again, 1) == ["message.created 1"]
