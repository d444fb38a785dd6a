"""Who has a first and a last name, and no other, is shown by both wherever one name is shown."""

from typing import Any

import pytest

from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.conversation import Conversation
from koine.store.core.db import Database
from tests.drivers.base import Driver
from tests.drivers.everyone import drivers
from tests.drivers.world import World, make_world

NAMELESS = PersonChanges(name=None, first_name=" Ana", last_name="Silva ")


@pytest.fixture
async def world(db: Database) -> World:
    """A world of its own, where Carol (a contact) and Dan (a driver) have no `name`."""
    made = await make_world(db)
    ada, acme = made.cast.acme.actor("ada"), made.cast.acme
    await directory.change(made.cast.engine, ada, acme.id("carol"), "contact", NAMELESS)
    await directory.change(made.cast.engine, ada, acme.id("dan"), "user", NAMELESS)
    return made


async def said(world: World) -> Conversation:
    """A conversation in which both have spoken."""
    talk, speak = await world.talk(), drivers(world)
    await speak["inbox"].post(talk, "Carol's")
    await speak["delivery"].post(talk, "Dan's")
    return talk


async def by_dialect(world: World, speak: dict[str, Driver], talk: Conversation, name: str) -> Any:
    """What the dialect's messages, or else the conversation, say of names."""
    url = {
        "delivery": f"/messaging/conversations/{talk.id}/messages",
        "helpdesk": f"/api/v1/conversations/{talk.id}/messages",
        "native": f"/v1/conversations/{talk.id}/messages",
    }.get(name)
    return await speak[name].ask("GET", url) if url else await speak[name].get(talk)


def shown(dialect: str, answer: Any) -> list[str]:
    if dialect == "chats":
        return [answer["ownerName"]]
    if dialect == "native":
        return [each["sender"]["name"] for each in answer["data"]]
    if dialect == "helpdesk":
        return [each["sender"]["name"] for each in answer["data"]]
    return [each["sender"]["name"] for each in answer["messages"]]


@pytest.mark.parametrize("dialect", ["delivery", "helpdesk", "chats", "inbox", "native"])
async def test_a_person_is_shown_by_first_and_last_name(world: World, dialect: str) -> None:
    talk = await said(world)
    names = shown(dialect, await by_dialect(world, drivers(world), talk, dialect))
    assert names and set(names) == {"Ana Silva"}


async def test_owners_and_participants_are_shown_so_too(world: World) -> None:
    talk, speak = await said(world), drivers(world)
    native = await speak["native"].get(talk)
    assert native["owner"]["name"] == "Ana Silva"
    dan = world.cast.acme.id("dan")
    delivery = (await speak["delivery"].get(talk))["participants"]
    assert [p["user"]["name"] for p in delivery if p["user"]["id"] == dan] == ["Ana Silva"]
    everyone = await speak["native"].ask("GET", f"/v1/conversations/{talk.id}/participants")
    assert [p["name"] for p in everyone["data"] if p["identity_id"] == dan] == ["Ana Silva"]
