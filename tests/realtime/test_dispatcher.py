"""Streams receive what any node commits, and are reset when the log is replaced."""

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
    create_conversation,
    realtime_of,
    received,
    send_message,
)
from tests.support import databases


async def test_without_hints_events_come_by_polling(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        cast.engine.db.after_commit = no_listener
        await send_message(cast, conversation, "hello")
        assert await received(subscriber, 1) == ["message.created 1"]


async def test_events_of_another_process_are_sent_on_every_node(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as here, realtime_of(cast.engine) as there:
        subscribers = [
            await r.connect(PlainReader(cast.acme.actor("dan")), None) for r in (here, there)
        ]
        await send_message(cast, conversation, "hello")
        for subscriber in subscribers:
            assert await received(subscriber, 1) == ["message.created 1"]


async def test_a_cursor_of_one_process_is_valid_in_another(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as here:
        cursor = (await here.connect(PlainReader(cast.acme.actor("dan")), None)).cursor
    await send_message(cast, conversation, "while no process ran")
    async with realtime_of(cast.engine) as later:
        subscriber = await later.connect(PlainReader(cast.acme.actor("dan")), cursor)
        assert await received(subscriber, 1) == ["message.created 1"]


async def test_a_rewound_log_begins_another_epoch(tmp_path: Path) -> None:
    async with (
        databases.sqlite(tmp_path) as db,
        realtime_of((await make_cast(db)).engine) as realtime,
    ):
        cast = await make_cast(db)
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        before = subscriber.cursor
        _go_back(next(tmp_path.glob("*.db")))
        with pytest.raises(Closed) as closed:
            await subscriber.read(3)
            await subscriber.read(3)
        assert closed.value.reason == "moved"
        for shown in (before, closed.value.cursor):
            again = await realtime.connect(PlainReader(cast.acme.actor("dan")), shown)
            assert (await again.read(1)).reset == "epoch"


async def test_an_event_that_cannot_be_loaded_delays_no_other(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        subscriber = await realtime.connect(PlainReader(cast.acme.actor("dan")), None)
        start = subscriber.cursor
        await subscriber.read(0.01)
        company = cast.acme.tenant.id
        mismade = Event("responder.versioned", "everyone", None, company, None, "{}", 0)
        await cast.engine.db.write(company, events.append, mismade)
        await send_message(cast, conversation, "after it")
        assert await received(subscriber, 1) == ["message.created 1"]
        again = await realtime.connect(PlainReader(cast.acme.actor("dan")), start)
        assert await received(again, 1) == ["message.created 1"]


async def test_a_log_reader_that_is_woken_as_it_is_stopped_stops(cast: Cast) -> None:
    for turns in range(6):
        async with realtime_of(cast.engine) as realtime:
            await realtime.cursor()
            await asyncio.sleep(0.05)
            realtime.log_reader.wake()
            for _ in range(turns):
                await asyncio.sleep(0)
            closed, _ = await asyncio.wait({asyncio.create_task(realtime.close())}, timeout=3)
            assert closed


async def test_an_event_that_one_encoder_cannot_encode_delays_no_stream(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan", "olaf")
    async with realtime_of(cast.engine) as realtime:
        mute = await realtime.connect(PlainReader(cast.acme.actor("olaf"), _MuteEncoder()), None)
        subscribers = [
            await realtime.connect(PlainReader(cast.acme.actor("dan")), None) for _ in range(3)
        ]
        for subscriber in (mute, *subscribers):
            await subscriber.read(0.01)
        for text in ("one", "two"):
            await send_message(cast, conversation, text)
        for subscriber in subscribers:
            assert await received(subscriber, 2) == ["message.created 1", "message.created 2"]
        assert await received(mute, 1) == ["message.created 2"]


class _MuteEncoder(PlainEventEncoder, frozen=True):
    """Cannot encode the first message."""

    def encode(self, context: EventContext, view: object) -> bytes | None:
        if context.event.seq == 1:
            raise LookupError
        return super().encode(context, view)


async def test_processes_that_find_another_database_begin_one_epoch(
    empty_db: Database,
) -> None:
    homes = [empty_db.write("", event_log_state.epoch, "another place") for _ in range(8)]
    (old,) = set(await asyncio.gather(*homes))
    ends = [empty_db.write("", event_log_state.end_epoch, old) for _ in range(8)]
    (new,) = set(await asyncio.gather(*ends))
    assert new != old


async def test_old_events_are_deleted_up_to_the_retention_floor(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    conversation = await create_conversation(cast, "dan")
    cast.clock.advance(seconds=60)
    await send_message(cast, conversation, "young")
    young = cast.clock.now()
    assert await empty_db.write("", event_log_state.delete_before, young, 10_000)
    assert not await empty_db.write("", event_log_state.delete_before, young, 10_000)
    deleted_until = await empty_db.read("", event_log_state.retention_floor)
    left = await empty_db.read("", events.after, 0, 10**9, 10)
    assert [e.kind for e in left] == ["message.created"] and left[0].position == deleted_until + 1


def _go_back(file: Path) -> None:
    """Change the file as a restored older backup would."""
    connection = apsw.Connection(str(file))
    connection.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'events'")
    connection.close()
