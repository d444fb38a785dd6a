"""An identity with a first and a last name but no `name` is shown with both, in every dialect."""

from typing import Any

import pytest

from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.cast_app import CastApp, make_cast_app
from tests.drivers.registry import make_drivers

WITHOUT_NAME = PersonChanges(name=None, first_name=" Ana", last_name="Silva ")


@pytest.fixture
async def cast_app(db: Database) -> CastApp:
    """Its own `CastApp`, where Carol (a contact) and Dan (a driver) have no `name`."""
    made = await make_cast_app(db)
    ada, acme = made.cast.acme.actor("ada"), made.cast.acme
    await directory.change(made.cast.engine, ada, acme.id("carol"), "contact", WITHOUT_NAME)
    await directory.change(made.cast.engine, ada, acme.id("dan"), "user", WITHOUT_NAME)
    return made


async def post_as_both(cast_app: CastApp) -> Conversation:
    """A conversation to which both have posted."""
    conversation, drivers = await cast_app.create_conversation(), make_drivers(cast_app)
    await drivers["inbox"].post(conversation, "Carol's")
    await drivers["delivery"].post(conversation, "Dan's")
    return conversation


async def by_dialect(
    cast_app: CastApp, drivers: dict[str, Driver], conversation: Conversation, name: str
) -> Any:
    """The dialect's messages, or its conversation where that has the names."""
    url = {
        "delivery": f"/messaging/conversations/{conversation.id}/messages",
        "helpdesk": f"/api/v1/conversations/{conversation.id}/messages",
        "native": f"/v1/conversations/{conversation.id}/messages",
    }.get(name)
    return await drivers[name].request("GET", url) if url else await drivers[name].get(conversation)


def shown(dialect: str, response: Any) -> list[str]:
    if dialect == "chats":
        return [response["ownerName"]]
    if dialect == "native":
        return [each["sender"]["name"] for each in response["data"]]
    if dialect == "helpdesk":
        return [each["sender"]["name"] for each in response["data"]]
    return [each["sender"]["name"] for each in response["messages"]]


@pytest.mark.parametrize("dialect", ["delivery", "helpdesk", "chats", "inbox", "native"])
async def test_a_person_is_shown_by_first_and_last_name(cast_app: CastApp, dialect: str) -> None:
    conversation = await post_as_both(cast_app)
    names = shown(
        dialect, await by_dialect(cast_app, make_drivers(cast_app), conversation, dialect)
    )
    assert names and set(names) == {"Ana Silva"}


async def test_owners_and_participants_are_shown_so_too(cast_app: CastApp) -> None:
    conversation, drivers = await post_as_both(cast_app), make_drivers(cast_app)
    native = await drivers["native"].get(conversation)
    assert native["owner"]["name"] == "Ana Silva"
    dan = cast_app.cast.acme.id("dan")
    delivery = (await drivers["delivery"].get(conversation))["participants"]
    assert [p["user"]["name"] for p in delivery if p["user"]["id"] == dan] == ["Ana Silva"]
    everyone = await drivers["native"].request(
        "GET", f"/v1/conversations/{conversation.id}/participants"
    )
    assert [p["name"] for p in everyone["data"] if p["identity_id"] == dan] == ["Ana Silva"]
