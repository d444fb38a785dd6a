"""Sent in one dialect, seen in another, in one and the same conversation: every ordered pair."""

import pytest

from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.everyone import DRIVERS, drivers
from tests.drivers.world import World, make_world

EVERY = pytest.mark.parametrize("reader", DRIVERS)
EACH = pytest.mark.parametrize("sender", DRIVERS)


@EVERY
@EACH
async def test_sent_in_one_seen_in_the_other(
    world: World, speak: dict[str, Driver], sender: str, reader: str
) -> None:
    talk = await world.talk()
    await speak[sender].post(talk, f"from {sender} to {reader}")
    assert await speak[reader].read(talk) == [f"from {sender} to {reader}"]


@pytest.mark.parametrize("reader", [name for name in DRIVERS if name != "inbox"])
@pytest.mark.parametrize("sender", [name for name in DRIVERS if name != "inbox"])
async def test_a_deliverys_conversation_is_every_staffs_too(
    world: World, speak: dict[str, Driver], sender: str, reader: str
) -> None:
    parcel = await world.parcel()
    await speak[sender].post(parcel, f"a parcel from {sender} to {reader}")
    assert (await speak[reader].read(parcel))[-1] == f"a parcel from {sender} to {reader}"


@EVERY
async def test_all_that_is_said_anywhere_is_read_in_the_order_it_was_said(
    world: World, speak: dict[str, Driver], reader: str
) -> None:
    talk = await world.talk()
    said = [f"{round_} {name}" for round_ in range(3) for name in DRIVERS]
    for text in said:
        await speak[text.split()[1]].post(talk, text)
    assert await speak[reader].read(talk) == said


@EACH
async def test_a_contacts_word_is_everywhere_a_moment_later(
    world: World, speak: dict[str, Driver], sender: str
) -> None:
    talk = await world.talk()
    await speak["inbox"].post(talk, "hello")
    await speak[sender].post(talk, "and back")
    details = await speak["chats"].get(talk)
    assert (details["lastMessageContent"], details["penultimateMessageContent"]) == (
        "and back", "hello",
    )  # fmt: skip
    assert details["penultimateMessageRole"] == "user"
    assert (await speak["delivery"].get(talk))["latest_message"]["content"] == "and back"


@EVERY
async def test_opened_in_one_known_in_the_staffs(db: Database, reader: str) -> None:
    speak = drivers(await make_world(db))
    opened = {name: await driver.open() for name, driver in speak.items()}
    mine = await speak[reader].listed()
    assert opened[reader] in mine
    assert set(opened.values()) <= set(await speak["helpdesk"].listed())
