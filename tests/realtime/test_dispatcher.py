"""Streams get what is committed, on any node, and are reset when another log takes its place."""

import asyncio
from pathlib import Path

import apsw
import pytest

from koine.model.event import Event
from koine.model.event_context import EventContext
from koine.realtime.subscriber import Closed
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
from tests.support import databases


async def test_without_any_wake_up_events_come_by_looking(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        cast.engine.db.after_commit = no_listener
        await say(cast, talk, "hello")
        assert await received(seat, 1, 1.0) == ["message.created 1"]


async def test_what_another_process_commits_is_told_here_and_there(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as here, realtime_of(cast.engine) as there:
        seats = [await r.connect(PlainReader(cast.acme.actor("dan")), None) for r in (here, there)]
        await say(cast, talk, "hello")
        for seat in seats:
            assert await received(seat, 1, 2.0) == ["message.created 1"]


async def test_a_cursor_of_one_process_is_good_in_another(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as here:
        cursor = (await here.connect(PlainReader(cast.acme.actor("dan")), None)).cursor
    await say(cast, talk, "while nobody told anything")
    async with realtime_of(cast.engine) as later:
        seat = await later.connect(PlainReader(cast.acme.actor("dan")), cursor)
        assert await received(seat, 1) == ["message.created 1"]


async def test_a_log_that_went_back_begins_another_epoch(tmp_path: Path) -> None:
    async with databases.sqlite(tmp_path) as db, realtime_of((await make_cast(db)).engine) as relay:
        cast = await make_cast(db)
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        before = seat.cursor
        _go_back(next(tmp_path.glob("*.db")))
        with pytest.raises(Closed) as closed:
            await seat.read(3)
            await seat.read(3)
        assert closed.value.reason == "moved"
        for shown in (before, closed.value.cursor):
            again = await relay.connect(PlainReader(cast.acme.actor("dan")), shown)
            assert (await again.read(1)).reset == "epoch"


async def test_an_event_that_nothing_can_be_made_of_holds_up_nobody(cast: Cast) -> None:
    talk = await opened(cast, "dan")
    async with realtime_of(cast.engine) as relay:
        seat = await relay.connect(PlainReader(cast.acme.actor("dan")), None)
        start = seat.cursor
        await seat.read(0.01)
        company = cast.acme.tenant.id
        mismade = Event("responder.versioned", "everyone", None, company, None, "{}", 0)
        await cast.engine.db.write(company, events.append, mismade)
        await say(cast, talk, "after it")
        assert await received(seat, 1, 3) == ["message.created 1"]
        again = await relay.connect(PlainReader(cast.acme.actor("dan")), start)
        assert await received(again, 1) == ["message.created 1"]


async def test_a_pump_that_is_woken_as_it_is_stopped_stops(cast: Cast) -> None:
    for turns in range(6):
        async with realtime_of(cast.engine) as relay:
            await relay.cursor()
            await asyncio.sleep(0.05)
            relay.log_reader.wake()
            for _ in range(turns):
                await asyncio.sleep(0)
            closed, _ = await asyncio.wait({asyncio.create_task(relay.close())}, timeout=3)
            assert closed


async def test_what_one_voice_cannot_say_holds_up_nobody(cast: Cast) -> None:
    talk = await opened(cast, "dan", "olaf")
    async with realtime_of(cast.engine) as relay:
        mute = await relay.connect(PlainReader(cast.acme.actor("olaf"), _MuteEncoder()), None)
        seats = [await relay.connect(PlainReader(cast.acme.actor("dan")), None) for _ in range(3)]
        for seat in (mute, *seats):
            await seat.read(0.01)
        for text in ("one", "two"):
            await say(cast, talk, text)
        for seat in seats:
            assert await received(seat, 2, 1) == ["message.created 1", "message.created 2"]
        assert await received(mute, 1) == ["message.created 2"]


class _MuteEncoder(PlainEventEncoder, frozen=True):
    """Cannot encode the first message."""

    def encode(self, happening: EventContext, view: object) -> bytes | None:
        if happening.event.seq == 1:
            raise LookupError
        return super().encode(happening, view)


async def test_many_processes_that_find_the_database_moved_begin_one_epoch(
    fresh_db: Database,
) -> None:
    homes = [fresh_db.write("", event_log_state.epoch, "another place") for _ in range(8)]
    (old,) = set(await asyncio.gather(*homes))
    ends = [fresh_db.write("", event_log_state.end_epoch, old) for _ in range(8)]
    (new,) = set(await asyncio.gather(*ends))
    assert new != old


async def test_old_events_are_forgotten_and_the_floor_says_how_far(fresh_db: Database) -> None:
    cast = await make_cast(fresh_db)
    talk = await opened(cast, "dan")
    cast.clock.advance(seconds=60)
    await say(cast, talk, "young")
    young = cast.clock.now()
    assert await fresh_db.write("", event_log_state.forget_before, young, 10_000)
    assert not await fresh_db.write("", event_log_state.forget_before, young, 10_000)
    floor = await fresh_db.read("", event_log_state.retention_floor)
    left = await fresh_db.read("", events.after, 0, 10**9, 10)
    assert [e.kind for e in left] == ["message.created"] and left[0].position == floor + 1


def _go_back(file: Path) -> None:
    """As if an older copy of the file were put in its place."""
    connection = apsw.Connection(str(file))
    connection.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'events'")
    connection.close()
