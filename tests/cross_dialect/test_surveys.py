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
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import DRIVERS, make_drivers

QUESTION = "How was it?"
CLOSERS = ["helpdesk", "inbox", "native"]


async def app_with_surveys(db: Database) -> tuple[CastApp, dict[str, Driver]]:
    """An application and its drivers; the inbox has surveys."""
    cast_app = await make_cast_app(db)
    settings = f'{{"csat_survey_enabled":true,"csat_message":"{QUESTION}"}}'
    acme = cast_app.cast.acme
    changes = InboxChanges(settings=settings)
    await inboxes.change(cast_app.cast.engine, operator(acme.tenant.id), acme.inbox.id, changes)
    return cast_app, make_drivers(cast_app)


async def texts(drivers: dict[str, Driver], conversation: Conversation) -> list[str]:
    """The texts of the conversation that its contact receives."""
    return await drivers["inbox"].read(conversation)


def test_every_dialect_that_closes_is_tested() -> None:
    closing = [name for name, each in DRIVERS.items() if each.close is not Driver.close]
    assert sorted(closing) == CLOSERS


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_sends_the_survey(db: Database, name: str) -> None:
    cast_app, drivers = await app_with_surveys(db)
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["hi", QUESTION]
    shown = (await drivers["inbox"].get(conversation))["messages"][-1]
    assert (shown["message_type"], shown["content_type"]) == (3, "input_csat")
    assert drivers[name].is_closed(await drivers[name].get(conversation))


@pytest.mark.parametrize("name", CLOSERS)
async def test_closing_again_sends_none_until_it_was_reopened(db: Database, name: str) -> None:
    cast_app, drivers = await app_with_surveys(db)
    conversation = await cast_app.create_conversation()
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
    cast_app, drivers = await app_with_surveys(db)
    conversation = await cast_app.create_conversation()
    await drivers["native"].post(conversation, "anybody there?")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["anybody there?"]


@pytest.mark.parametrize("name", CLOSERS)
async def test_no_survey_where_the_inbox_has_none(
    cast_app: CastApp, drivers: dict[str, Driver], name: str
) -> None:
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    await drivers[name].close(conversation)
    assert await texts(drivers, conversation) == ["hi"]


async def test_the_response_of_closing_includes_the_survey(db: Database) -> None:
    cast_app, drivers = await app_with_surveys(db)
    conversation = await cast_app.create_conversation()
    await drivers["inbox"].post(conversation, "hi")
    engine, admin = cast_app.cast.engine, operator(cast_app.cast.acme.tenant.id)
    closed = await conversations.change(
        engine, admin, conversation.id, ConversationChanges(status="closed")
    )
    assert (closed.last_content, closed.last_seq) == (QUESTION, 2)
    assert closed == (await conversations.get(engine, admin, conversation.id)).one
