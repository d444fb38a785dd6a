"""Inboxes are created, changed and removed by managers of the tenant."""

import asyncio

import pytest

from koine.engine.contacts import inboxes
from koine.engine.contacts.inboxes import InboxChanges, NewInbox
from koine.model.errors import Forbidden, Invalid, NotFound
from tests.cast import Cast


async def test_an_inbox_has_a_random_identifier_and_secret(cast: Cast) -> None:
    inbox = await inboxes.create(cast.engine, cast.acme.actor("ada"), NewInbox(name="x"))
    token = cast.hmac_token(inbox)
    assert len({inbox.identifier, token, cast.acme.inbox.identifier}) == 3
    assert min(len(inbox.identifier), len(token)) >= 22


async def test_inboxes_are_listed_in_the_order_they_were_made(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    await inboxes.create(cast.engine, ada, NewInbox(name="Second"))
    listed = await inboxes.list_all(cast.engine, ada)
    assert [(each.name, each.number) for each in listed] == [("Website", 1), ("Second", 2)]


async def test_a_change_sets_only_the_fields_it_has(cast: Cast) -> None:
    ada, name = cast.acme.actor("ada"), cast.acme.inbox.id
    bot = cast.acme.tenant.default_responder_id
    await inboxes.change(cast.engine, ada, name, InboxChanges(responder_id=bot))
    after = await inboxes.change(cast.engine, ada, name, InboxChanges(identity_required=True))
    assert (after.name, after.responder_id, after.identity_required) == ("Website", bot, True)


async def test_a_removed_inbox_is_not_found(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    await inboxes.remove(cast.engine, ada, cast.acme.inbox.id)
    with pytest.raises(NotFound):
        await inboxes.get(cast.engine, ada, cast.acme.inbox.id)
    with pytest.raises(NotFound):
        await inboxes.remove(cast.engine, ada, cast.acme.inbox.id)


async def test_the_responder_of_an_inbox_is_of_its_tenant(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    for outsider in (cast.rival.tenant.default_responder_id, cast.acme.id("dan")):
        with pytest.raises(Invalid):
            new = NewInbox(name="x", responder_id=outsider)
            await inboxes.create(cast.engine, ada, new)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ('{"contact_matching": "trust"}', "settings.contact_matching"),
        ('{"working_hours": [{"day_of_week": "x"}]}', "settings.working_hours.0.day_of_week"),
        ("[]", "settings"),
    ],
)
async def test_a_refused_setting_is_named(cast: Cast, settings: str, field: str) -> None:
    new = NewInbox(name="x", settings=settings)
    with pytest.raises(Invalid) as refused:
        await inboxes.create(cast.engine, cast.acme.actor("ada"), new)
    assert refused.value.field == field


@pytest.mark.parametrize("settings", ['{"timezone": "Mars"}', '{"locale": 1}', "[]"])
async def test_invalid_settings_are_refused(cast: Cast, settings: str) -> None:
    with pytest.raises(Invalid):
        changes = InboxChanges(settings=settings)
        await inboxes.change(cast.engine, cast.acme.actor("ada"), cast.acme.inbox.id, changes)


async def test_only_managers_change_and_only_readers_list_inboxes(cast: Cast) -> None:
    name, alice, dan = cast.acme.inbox.id, cast.acme.actor("alice"), cast.acme.actor("dan")
    assert (await inboxes.get(cast.engine, alice, name)).id == name
    with pytest.raises(Forbidden):
        await inboxes.change(cast.engine, alice, name, InboxChanges(name="x"))
    with pytest.raises(Forbidden):
        await inboxes.create(cast.engine, alice, NewInbox(name="x"))
    with pytest.raises(Forbidden):
        await inboxes.get(cast.engine, dan, name)


async def test_another_tenants_inbox_is_not_found(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await inboxes.get(cast.engine, cast.acme.actor("ada"), cast.rival.inbox.id)


async def test_concurrent_changes_are_all_stored(cast: Cast) -> None:
    ada, inbox_id = cast.acme.actor("ada"), cast.acme.inbox.id
    every = [InboxChanges(name="New"), InboxChanges(identity_required=True)]
    every += [InboxChanges(single_conversation=True), InboxChanges(settings='{"locale":"pt"}')]
    await asyncio.gather(*(inboxes.change(cast.engine, ada, inbox_id, each) for each in every))
    after = await inboxes.get(cast.engine, ada, inbox_id)
    assert (after.name, after.identity_required) == ("New", True)
    assert (after.single_conversation, after.settings) == (True, '{"locale":"pt"}')
