"""Responders and their versions."""

import asyncio

import pytest

from koine.engine.conversations import conversations
from koine.engine.people import responders
from koine.engine.people.responders import NewResponder, ResponderChanges, ResponderWithVersions
from koine.model.conversation import NewConversation
from koine.model.errors import Forbidden, Invalid, NotFound
from koine.model.page import Window
from tests.cast import Cast


async def make(cast: Cast, name: str = "Sales squad") -> ResponderWithVersions:
    new = NewResponder(kind="squad", name=name, picture="https://p.test/1", settings='{"a":1}')
    return await responders.create(cast.engine, cast.acme.actor("ada"), new)


async def test_a_new_responder_has_version_1(cast: Cast) -> None:
    responder = await make(cast)
    assert (responder.identity.kind, responder.identity.name) == ("squad", "Sales squad")
    assert responder.identity.avatar_url == "https://p.test/1"
    assert [(v.number, v.settings) for v in responder.versions] == [(1, '{"a":1}')]
    found = await responders.get(cast.engine, cast.acme.actor("alice"), responder.identity.id)
    assert found == responder


async def test_versions_are_numbered_and_come_newest_first(cast: Cast) -> None:
    responder = await make(cast)
    ada = cast.acme.actor("ada")
    second = await responders.add_version(cast.engine, ada, responder.identity.id, '{"a":2}')
    found = await responders.get(cast.engine, ada, responder.identity.id)
    assert second.number == 2
    assert found.versions == [second, *responder.versions]


async def test_a_conversation_keeps_the_version_it_opened_with(cast: Cast) -> None:
    ada, default = cast.acme.actor("ada"), cast.acme.tenant.default_responder_id or ""
    new = NewConversation(owner_id=cast.acme.id("carol"))
    before = await conversations.create(cast.engine, ada, new)
    version = await responders.add_version(cast.engine, ada, default, "{}")
    after = await conversations.create(cast.engine, ada, new)
    assert before.responder_version_id != after.responder_version_id == version.id


async def test_a_list_is_of_this_tenants_responders_alone(cast: Cast) -> None:
    made, alice = await make(cast), cast.acme.actor("alice")
    everyone = await responders.find_page(cast.engine, alice, Window(10))
    assert [i.name for i in everyone.items] == ["Assistant", "Sales squad"]
    squads = await responders.find_page(cast.engine, alice, Window(10), ("squad",))
    named = await responders.find_page(cast.engine, alice, Window(10), search="SALES")
    assert squads.items == named.items == [made.identity]


async def test_an_update_sets_only_the_fields_it_has(cast: Cast) -> None:
    made, ada = await make(cast), cast.acme.actor("ada")
    changes = ResponderChanges(name="Renamed")
    after = await responders.change(cast.engine, ada, made.identity.id, changes)
    assert (after.name, after.avatar_url) == ("Renamed", "https://p.test/1")
    again = await responders.get(cast.engine, ada, made.identity.id)
    assert again.identity == after


@pytest.mark.parametrize("name", ["ab", "  a  ", "x" * 51])
async def test_a_name_has_3_to_50_characters(cast: Cast, name: str) -> None:
    with pytest.raises(Invalid):
        await make(cast, name)


async def test_only_managers_change_responders(cast: Cast) -> None:
    made, alice = await make(cast), cast.acme.actor("alice")
    with pytest.raises(Forbidden):
        await responders.create(cast.engine, alice, NewResponder(name="Mine"))
    with pytest.raises(Forbidden):
        await responders.add_version(cast.engine, alice, made.identity.id, "{}")
    with pytest.raises(Forbidden):
        await responders.get(cast.engine, cast.acme.actor("dan"), made.identity.id)


async def test_another_tenants_responder_and_a_person_are_no_responders(cast: Cast) -> None:
    responder = await make(cast)
    with pytest.raises(NotFound):
        await responders.get(cast.engine, cast.rival.actor("ada"), responder.identity.id)
    with pytest.raises(NotFound):
        await responders.get(cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"))


async def test_concurrent_versions_get_different_numbers(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    responder = await responders.create(cast.engine, ada, NewResponder(name="Robot"))
    adding = [
        responders.add_version(cast.engine, ada, responder.identity.id, "{}") for _ in range(5)
    ]
    assert sorted(each.number for each in await asyncio.gather(*adding)) == [2, 3, 4, 5, 6]
