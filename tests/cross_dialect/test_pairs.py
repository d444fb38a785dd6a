"""Sent in one dialect and read in another, in the same conversation: every ordered pair."""

import pytest

from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import DRIVERS, make_drivers

EVERY = pytest.mark.parametrize("reader", DRIVERS)
EACH = pytest.mark.parametrize("sender", DRIVERS)


@EVERY
@EACH
async def test_sent_in_one_seen_in_the_other(
    cast_app: CastApp, drivers: dict[str, Driver], sender: str, reader: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers[sender].post(conversation, f"from {sender} to {reader}")
    assert await drivers[reader].read(conversation) == [f"from {sender} to {reader}"]


@pytest.mark.parametrize("reader", [name for name in DRIVERS if name != "inbox"])
@pytest.mark.parametrize("sender", [name for name in DRIVERS if name != "inbox"])
async def test_a_delivery_conversation_is_shared_too(
    cast_app: CastApp, drivers: dict[str, Driver], sender: str, reader: str
) -> None:
    conversation = await cast_app.open_delivery_conversation()
    await drivers[sender].post(conversation, f"a parcel from {sender} to {reader}")
    assert (await drivers[reader].read(conversation))[-1] == f"a parcel from {sender} to {reader}"


@EVERY
async def test_messages_of_all_dialects_are_read_in_the_order_they_were_sent(
    cast_app: CastApp, drivers: dict[str, Driver], reader: str
) -> None:
    conversation = await cast_app.create_conversation()
    sent = [f"{round_} {name}" for round_ in range(3) for name in DRIVERS]
    for text in sent:
        await drivers[text.split()[1]].post(conversation, text)
    assert await drivers[reader].read(conversation) == sent


@EACH
async def test_the_previews_have_the_messages_of_other_dialects(
    cast_app: CastApp, drivers: dict[str, Driver], sender: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "hello")
    await drivers[sender].post(conversation, "and back")
    details = await drivers["chats"].get(conversation)
    assert (details["lastMessageContent"], details["penultimateMessageContent"]) == (
        "and back", "hello",
    )  # fmt: skip
    assert details["penultimateMessageRole"] == "user"
    assert (await drivers["delivery"].get(conversation))["latest_message"]["content"] == "and back"


@EVERY
async def test_a_conversation_opened_in_one_is_listed_for_staff(db: Database, reader: str) -> None:
    drivers = make_drivers(await make_cast_app(db))
    opened = {name: await driver.open() for name, driver in drivers.items()}
    mine = await drivers[reader].list_ids()
    assert opened[reader] in mine
    assert set(opened.values()) <= set(await drivers["helpdesk"].list_ids())
