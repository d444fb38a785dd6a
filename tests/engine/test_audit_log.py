"""The audit log: what is in its entries, and who may read them."""

import msgspec
import pytest

from koine.engine import audit_log, offboarding
from koine.engine.auth import api_keys, sessions
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.audit import AuditEntry
from koine.model.errors import Forbidden
from koine.model.page import Window
from koine.model.permissions import READ_CONVERSATIONS
from tests.cast import PASSWORD, Cast


async def newest(cast: Cast, entity: str | None = None) -> AuditEntry:
    page = await audit_log.find_page(cast.engine, cast.acme.actor("ada"), entity, None, Window(1))
    return page.items[0]


async def test_an_entry_has_the_actor_the_action_and_the_entity(cast: Cast) -> None:
    dan = cast.acme.id("dan")
    role = PersonChanges(role="agent")
    await directory.change(cast.engine, cast.acme.actor("ada"), dan, "user", role)
    entry = await newest(cast)
    assert (entry.actor_kind, entry.actor_id) == ("user", cast.acme.id("ada"))
    assert (entry.action, entry.noun, entry.noun_id) == ("change", "user", dan)
    assert msgspec.json.decode(entry.detail) == {"role": "agent", "blocked": False}


async def test_a_change_of_the_login_email_is_in_an_entry(cast: Cast) -> None:
    dan, email = cast.acme.id("dan"), PersonChanges(email="other@web.test", permissions="[]")
    await directory.change(cast.engine, cast.acme.actor("ada"), dan, "user", email)
    entry = await newest(cast)
    assert (entry.action, entry.noun, entry.noun_id) == ("change", "user", dan)
    assert msgspec.json.decode(entry.detail)["fields"] == ["email", "permissions"]
    await directory.change(
        cast.engine, cast.acme.actor("ada"), dan, "user", PersonChanges(email=None)
    )
    assert msgspec.json.decode((await newest(cast)).detail)["fields"] == ["email"]


async def test_no_entry_holds_a_secret(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, ada, "k", frozenset({READ_CONVERSATIONS}))
    await sessions.set_password(cast.engine, ada, cast.acme.id("dan"), PASSWORD)
    page = await audit_log.find_page(cast.engine, ada, None, None, Window(100))
    text = " ".join(entry.detail for entry in page.items)
    assert created_key.text not in text
    assert created_key.key.digest not in text
    assert PASSWORD not in text


async def test_a_refused_operation_writes_no_entry(cast: Cast) -> None:
    before = await newest(cast)
    with pytest.raises(Forbidden):
        await offboarding.remove(cast.engine, cast.acme.actor("alice"), cast.acme.id("dan"), "user")
    assert await newest(cast) == before


async def test_pages_follow_each_other_newest_first(cast: Cast) -> None:
    ada, found = cast.acme.actor("ada"), []
    window = Window(3)
    while True:
        page = await audit_log.find_page(cast.engine, ada, None, None, window)
        found += [entry.id for entry in page.items]
        if page.next is None:
            break
        window = Window(3, cursor=page.next)
    everything = await audit_log.find_page(cast.engine, ada, None, None, Window(100))
    assert found == [entry.id for entry in everything.items]
    assert len(set(found)) == len(found) == 10


async def test_the_log_is_for_managers_and_of_their_tenant(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await audit_log.find_page(cast.engine, cast.acme.actor("dora"), None, None, Window(1))
    own_entries = {
        entry.id
        for company in (cast.acme,)
        for entry in (
            await audit_log.find_page(cast.engine, company.actor("ada"), None, None, Window(100))
        ).items
    }
    theirs = await audit_log.find_page(
        cast.engine, cast.rival.actor("ada"), None, None, Window(100)
    )
    assert own_entries.isdisjoint(entry.id for entry in theirs.items)
