"""Closing a conversation sends the survey to its contact, in every dialect that can close."""

import pytest

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.registry import DRIVERS, make_drivers
from tests.drivers.world import World, make_world

QUESTION = "How was it?"
CLOSERS = ["helpdesk", "inbox", "native"]


async def world_with_surveys(db: Database) -> tuple[World, dict[str, Driver]]:
    """A world whose inbox has surveys."""
    world = await make_world(db)
    settings = f'{{"csat_survey_enabled":true,"csat_message":"{QUESTION}"}}'
    acme = world.cast.acme
    changes = InboxChanges(settings=settings)
    await inboxes.change(world.cast.engine, operator(acme.tenant.id), acme.inbox.id, changes)
    return world, make_drivers(world)


async def texts(drivers: dict[str, Driver], conversation: Conversation) -> list[str]:
    """The texts of the conversation that its contact receives."""
    return await drivers["inbox"].read(conversation)


def test_every_dialect_that_closes_is_tested() -> None:
    closing = [name for name, each in DRIVERS.items() if each.close is not Driver.close]
    assert sorted(closing) == CLOSERS


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_sends_the_survey(db: Database, name: str) -> None:
    world, drivers = await world_with_surveys(db)
    conversation = await world.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["hi", QUESTION]
    shown = (await drivers["inbox"].get(conversation))["messages"][-1]
    assert (shown["message_type"], shown["content_type"]) == (3, "input_csat")
    assert drivers[name].is_closed(await drivers[name].get(conversation))


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_again_sends_none_until_it_was_reopened(db: Database, name: str) -> None:
    world, drivers = await world_with_surveys(db)
    conversation = await world.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await drivers[name].close(conversation)
    for each in CLOSERS:
        await drivers[each].close(conversation)
    assert await texts(drivers, conversation) == ["hi", QUESTION]
    await drivers["inbox"].post(conversation, "one more thing")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["hi", QUESTION, "one more thing", QUESTION]


@pytest.mark.parametrize("name", CLOSERS)
async def test_no_survey_without_a_message_of_the_contact(db: Database, name: str) -> None:
    world, drivers = await world_with_surveys(db)
    conversation = await world.create_conversation()
    await drivers["native"].post(conversation, "anybody there?")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["anybody there?"]


@pytest.mark.parametrize("name", CLOSERS)
async def test_no_survey_where_the_inbox_has_none(
    world: World, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await world.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["hi"]


async def test_the_response_of_closing_includes_the_survey(db: Database) -> None:
    world, drivers = await world_with_surveys(db)
    conversation = await world.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    engine, admin = world.cast.engine, operator(world.cast.acme.tenant.id)
    closed = await conversations.change(
        engine, admin, conversation.id, ConversationChanges(status="closed")
    )
    assert (closed.last_content, closed.last_seq) == (QUESTION, 2)
    assert closed == (await conversations.get(engine, admin, conversation.id)).one
