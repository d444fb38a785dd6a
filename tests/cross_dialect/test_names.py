"""An identity with a first and a last name but no `name` is shown with both, in every dialect."""

from typing import Any

import pytest

from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.registry import make_drivers
from tests.drivers.world import World, make_world

WITHOUT_NAME = PersonChanges(name=None, first_name=" Ana", last_name="Silva ")


@pytest.fixture
async def world(db: Database) -> World:
    """A world of its own, where Carol (a contact) and Dan (a driver) have no `name`."""
    made = await make_world(db)
    ada, acme = made.cast.acme.actor("ada"), made.cast.acme
    await directory.change(made.cast.engine, ada, acme.id("carol"), "contact", WITHOUT_NAME)
    await directory.change(made.cast.engine, ada, acme.id("dan"), "user", WITHOUT_NAME)
    return made


async def post_as_both(world: World) -> Conversation:
    """A conversation to which both have posted."""
    conversation, drivers = await world.create_conversation(), make_drivers(world)
    await drivers["inbox"].post(conversation, "Carol's")
    await drivers["delivery"].post(conversation, "Dan's")
    return conversation


async def by_dialect(
    world: World, drivers: dict[str, Driver], conversation: Conversation, name: str
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
async def test_a_person_is_shown_by_first_and_last_name(world: World, dialect: str) -> None:
    conversation = await post_as_both(world)
    names = shown(dialect, await by_dialect(world, make_drivers(world), conversation, dialect))
    assert names and set(names) == {"Ana Silva"}


async def test_owners_and_participants_are_shown_so_too(world: World) -> None:
    conversation, drivers = await post_as_both(world), make_drivers(world)
    native = await drivers["native"].get(conversation)
    assert native["owner"]["name"] == "Ana Silva"
    dan = world.cast.acme.id("dan")
    delivery = (await drivers["delivery"].get(conversation))["participants"]
    assert [p["user"]["name"] for p in delivery if p["user"]["id"] == dan] == ["Ana Silva"]
    everyone = await drivers["native"].request(
        "GET", f"/v1/conversations/{conversation.id}/participants"
    )
    assert [p["name"] for p in everyone["data"] if p["identity_id"] == dan] == ["Ana Silva"]
