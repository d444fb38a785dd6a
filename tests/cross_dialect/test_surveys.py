"""Whoever closes a conversation, through whichever dialect: its contact is asked how it went."""

import asyncio

import pytest

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.actor import operator
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.everyone import DRIVERS, drivers
from tests.drivers.world import World, make_world

QUESTION = "How was it?"
CLOSERS = ["helpdesk", "inbox", "native"]


async def asking(db: Database) -> tuple[World, dict[str, Driver]]:
    """A world whose inbox asks."""
    world = await make_world(db)
    settings = f'{{"csat_survey_enabled":true,"csat_message":"{QUESTION}"}}'
    acme = world.cast.acme
    changes = InboxChanges(settings=settings)
    await inboxes.change(world.cast.engine, operator(acme.tenant.id), acme.inbox.id, changes)
    return world, drivers(world)


async def asked(speak: dict[str, Driver], talk: Conversation) -> list[str]:
    """What was said in the conversation, as its contact reads it."""
    return await speak["inbox"].read(talk)


def test_each_dialect_that_closes_is_here() -> None:
    closing = [name for name, each in DRIVERS.items() if each.close is not Driver.close]
    assert sorted(closing) == CLOSERS


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_sends_the_survey(db: Database, name: str) -> None:
    world, speak = await asking(db)
    talk = await world.talk()
    await speak["inbox"].post(talk, "hi")
    await speak[name].close(talk)
    assert await asked(speak, talk) == ["hi", QUESTION]
    shown = (await speak["inbox"].get(talk))["messages"][-1]
    assert (shown["message_type"], shown["content_type"]) == (3, "input_csat")
    assert speak[name].is_closed(await speak[name].get(talk))


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_again_sends_none_until_it_was_opened(db: Database, name: str) -> None:
    world, speak = await asking(db)
    talk = await world.talk()
    await speak["inbox"].post(talk, "hi")
    await speak[name].close(talk)
    for each in CLOSERS:
        await speak[each].close(talk)
    assert await asked(speak, talk) == ["hi", QUESTION]
    await speak["inbox"].post(talk, "one more thing")
    await speak[name].close(talk)
    assert await asked(speak, talk) == ["hi", QUESTION, "one more thing", QUESTION]


@pytest.mark.parametrize("name", CLOSERS)
async def test_where_the_contact_said_nothing_nothing_is_asked(db: Database, name: str) -> None:
    world, speak = await asking(db)
    talk = await world.talk()
    await speak["native"].post(talk, "anybody there?")
    await speak[name].close(talk)
    assert await asked(speak, talk) == ["anybody there?"]


@pytest.mark.parametrize("name", CLOSERS)
async def test_an_inbox_without_surveys_asks_nothing(
    world: World, speak: dict[str, Driver], name: str
) -> None:
    talk = await world.talk()
    await speak["inbox"].post(talk, "hi")
    await speak[name].close(talk)
    assert await asked(speak, talk) == ["hi"]


async def test_of_many_who_close_at_once_one_asks(db: Database) -> None:
    world, speak = await asking(db)
    talk = await world.talk()
    await speak["inbox"].post(talk, "hi")
    await asyncio.gather(*(speak[name].close(talk) for name in CLOSERS * 3))
    assert await asked(speak, talk) == ["hi", QUESTION]


async def test_the_closer_gets_the_conversation_as_it_is_with_the_survey(db: Database) -> None:
    world, speak = await asking(db)
    talk = await world.talk()
    await speak["inbox"].post(talk, "hi")
    engine, desk = world.cast.engine, operator(world.cast.acme.tenant.id)
    closed = await conversations.change(engine, desk, talk.id, ConversationChanges(status="closed"))
    assert (closed.last_content, closed.last_seq) == (QUESTION, 2)
    assert closed == (await conversations.get(engine, desk, talk.id)).one
