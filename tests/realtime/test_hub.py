"""Streams receive every event they may receive, once and in order."""

import asyncio

import pytest

from koine.engine.conversations import participants
from koine.model.actor import Actor
from koine.realtime.realtime import Realtime
from koine.realtime.subscriber import Closed, Subscriber
from koine.store.core.db import Database
from koine.store.events import event_log_state, events
from tests.cast import Cast, make_cast
from tests.realtime.plain_encoder import (
    PlainReader,
    create_conversation,
    realtime_of,
    received,
    send_message,
)


async def connect(realtime: Realtime, actor: Actor, cursor: str | None = None) -> Subscriber:
    return await realtime.connect(PlainReader(actor), cursor)


async def test_messages_are_sent_to_participants_alone(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        dan = await connect(realtime, cast.acme.actor("dan"))
        olaf = await connect(realtime, cast.acme.actor("olaf"))
        twin = await connect(realtime, cast.rival.actor("ada"))
        await send_message(cast, conversation, "hello")
        assert await received(dan, 1) == ["message.created 1"]
        assert await received(olaf, 1, 0.1) == [] == await received(twin, 1, 0.1)


async def test_a_private_note_is_sent_to_staff_alone(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        dan = await connect(realtime, cast.acme.actor("dan"))
        alice = await connect(realtime, cast.acme.actor("alice"))
        await send_message(cast, conversation, "psst", private=True)
        await send_message(cast, conversation, "hello")
        assert await received(alice, 2) == ["message.created 1", "message.created 2"]
        assert await received(dan, 1) == ["message.created 2"]


async def test_a_client_that_continues_from_its_cursor_misses_nothing(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        first = await connect(realtime, cast.acme.actor("dan"))
        await send_message(cast, conversation, "one")
        batch = await first.read(5)
        first.leave()
        for n in range(300):
            await send_message(cast, conversation, f"{n}")
        again = await connect(realtime, cast.acme.actor("dan"), batch.frames[0][0])
        assert await received(again, 300) == [f"message.created {n}" for n in range(2, 302)]


async def test_a_stream_opened_under_load_receives_each_message_once(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        start = (await connect(realtime, cast.acme.actor("dan"))).cursor
        speaking = asyncio.gather(*(send_message(cast, conversation, f"{n}") for n in range(200)))
        subscribers = [await connect(realtime, cast.acme.actor("dan"), start) for _ in range(5)]
        await speaking
        for subscriber in subscribers:
            assert await received(subscriber, 200) == [
                f"message.created {n}" for n in range(1, 201)
            ]


async def test_a_removed_participant_receives_nothing_more(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan", "olaf")
    async with realtime_of(cast.engine) as realtime:
        dan = await connect(realtime, cast.acme.actor("dan"))
        olaf = await connect(realtime, cast.acme.actor("olaf"))
        await participants.remove(
            cast.engine, cast.acme.actor("ada"), conversation.id, [cast.acme.id("dan")]
        )
        await send_message(cast, conversation, "about Dan")
        assert await received(dan, 1) == ["participant.left"]
        assert await received(olaf, 2) == ["participant.left", "message.created 1"]
        assert await received(dan, 1, 0.1) == []


async def test_a_cursor_of_another_epoch_or_an_invalid_one_is_reset(cast: Cast) -> None:
    async with realtime_of(cast.engine) as realtime:
        for shown, reason in (("nonsense", "unknown"), ("other.12", "epoch")):
            subscriber = await connect(realtime, cast.acme.actor("dan"), shown)
            assert (await subscriber.read(1)).reset == reason
            assert (await subscriber.read(0.05)).frames == []


async def test_a_cursor_older_than_the_log_is_reset(empty_db: Database) -> None:
    cast = await make_cast(empty_db)
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        first = await connect(realtime, cast.acme.actor("dan"))
        old = first.cursor
        await send_message(cast, conversation, "one")
        await send_message(cast, conversation, "two")
        assert len(await received(first, 2)) == 2
        later = cast.clock.now() + 1
        assert await cast.engine.db.write("", event_log_state.delete_before, later, 1000)
        assert await cast.engine.db.read("", events.after, 0, 10**9, 10) == []
        subscriber = await connect(realtime, cast.acme.actor("dan"), old)
        assert (await subscriber.read(5)).reset == "too_old"
        await send_message(cast, conversation, "three")
        assert await received(subscriber, 1) == ["message.created 3"]


async def test_a_client_that_does_not_read_is_closed_with_its_cursor(cast: Cast) -> None:
    conversation = await create_conversation(cast, "dan")
    async with realtime_of(cast.engine) as realtime:
        slow = await connect(realtime, cast.acme.actor("dan"))
        await slow.read(0.01)
        for n in range(1_100):
            slow.put(n + 1, b"x") if n < 1_001 else None
        with pytest.raises(Closed) as closed:
            await slow.read(1)
        assert closed.value.reason == "slow"
        await send_message(cast, conversation, "later")
        again = await connect(realtime, cast.acme.actor("dan"), closed.value.cursor)
        assert await received(again, 1) == ["message.created 1"]
