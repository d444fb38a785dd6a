"""The write batcher: every send gets its own result, also when others of its batch fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from koine.engine.conversations import delivery_conversations, messages
from koine.engine.conversations.delivery_conversations import NewDeliveryConversation
from koine.engine.sending.write_batcher import LANES, MAX_QUEUED
from koine.model.errors import Unavailable
from koine.model.message import Draft
from koine.store.core.db import Database, Tx
from tests.cast import Cast, make_cast


class Chat:
    """Dan in the conversation of a delivery."""

    def __init__(self, cast: Cast, conversation_id: str) -> None:
        self.cast = cast
        self.id = conversation_id

    async def send(self, text: str) -> int:
        """Send a message; returns its `seq`."""
        draft = Draft(content=text, sender_id=self.cast.acme.id("dan"), must_participate=True)
        actor = self.cast.acme.actor("dan")
        return (await messages.send(self.cast.engine, actor, self.id, draft)).seq


async def new_chat(db: Database) -> Chat:
    cast = await make_cast(db)
    opening = NewDeliveryConversation(delivery_id=cast.acme.deliveries[0].id)
    actor = cast.acme.actor("dan")
    opened, _ = await delivery_conversations.open_(cast.engine, actor, opening)
    return Chat(cast, opened.id)


@asynccontextmanager
async def writer_held(db: Database) -> AsyncIterator[None]:
    """Keep SQLite's writer busy during the block: what is sent meanwhile is queued."""
    begun, done = Event(), Event()

    async def wait(tx: Tx) -> None:
        begun.set()
        done.wait(10)

    busy = asyncio.create_task(db.write("", wait))
    assert await asyncio.to_thread(begun.wait, 10)
    yield
    done.set()
    await busy


async def test_a_send_queued_while_both_lanes_end_is_written(sqlite_db: Database) -> None:
    chat = await new_chat(sqlite_db)

    async def twice() -> None:
        await chat.send("one")
        await chat.send("two")

    async with asyncio.timeout(5):
        async with writer_held(sqlite_db):
            first = asyncio.create_task(twice())
            await turns()
            other = await queued(chat, "other")
        await asyncio.gather(first, other)


async def test_sends_beyond_the_queue_are_refused_while_the_database_hangs(
    sqlite_db: Database,
) -> None:
    chat = await new_chat(sqlite_db)
    async with writer_held(sqlite_db):
        under_way = [await queued(chat, f"lane {n}") for n in range(LANES)]
        waiting = [asyncio.create_task(chat.send(f"{n}")) for n in range(MAX_QUEUED)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await chat.send("one too many")
    numbers = await asyncio.gather(*under_way, *waiting)
    assert sorted(numbers) == list(range(1, LANES + MAX_QUEUED + 1))


async def test_a_send_cancelled_in_the_queue_is_not_written(sqlite_db: Database) -> None:
    chat = await new_chat(sqlite_db)
    async with writer_held(sqlite_db):
        under_way = [await queued(chat, f"lane {n}") for n in range(LANES)]
        cancelled = await queued(chat, "gone")
        cancelled.cancel()
    await asyncio.gather(*under_way)
    assert await chat.send("next") == LANES + 1


async def test_cancelled_sends_do_not_delay_others(db: Database) -> None:
    chat = await new_chat(db)
    sends = [asyncio.create_task(chat.send(f"{n}")) for n in range(200)]
    await asyncio.sleep(0)
    for each in sends[::3]:
        each.cancel()
    answers = await asyncio.gather(*sends, return_exceptions=True)
    numbers = [each for each in answers if isinstance(each, int)]
    assert len(numbers) == len(set(numbers)) >= 133
    assert await chat.send("last") > max(numbers)


async def queued(chat: Chat, text: str) -> asyncio.Task[int]:
    """A send that has reached the writer's queue, or a lane."""
    task = asyncio.create_task(chat.send(text))
    await turns()
    return task


async def turns() -> None:
    """Long enough for a send to reach the database."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_while_the_database_is_down_every_sender_gets_unavailable(fresh_db: Database) -> None:
    chat = await new_chat(fresh_db)
    await fresh_db.close()
    for _ in range(2):
        sends = [chat.send(f"{n}") for n in range(200)]
        answers = await asyncio.gather(*sends, return_exceptions=True)
        assert {type(each) for each in answers} == {Unavailable}
