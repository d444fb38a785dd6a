"""Users and contacts: who may create, change and remove them."""

import asyncio

import msgspec
import pytest

from koine.engine import offboarding
from koine.engine.auth import api_keys, sessions
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.filters import PeopleFilter
from koine.model.identity import NewIdentity
from koine.model.page import Window
from koine.model.permissions import MANAGE_TENANT, VIEW_TENANT
from tests.cast import PASSWORD, Cast


def limited(cast: Cast) -> Actor:
    """A user with `manage:tenant` as its only permission."""
    return msgspec.structs.replace(
        cast.acme.actor("ada"), role=None, permissions=frozenset({MANAGE_TENANT})
    )


async def test_people_are_numbered_in_their_tenant(cast: Cast) -> None:
    numbers = [cast.acme.people[n].number for n in ("ada", "alice", "dora")]
    assert numbers == [2, 3, 4]
    assert cast.rival.people["ada"].number == 2


async def test_concurrent_requests_with_one_identifier_create_one_contact(cast: Cast) -> None:
    new = NewIdentity(kind="contact", identifier="i")
    ada = cast.acme.actor("ada")
    tries = [directory.create(cast.engine, ada, new) for _ in range(8)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 7


async def test_a_taken_identifier_is_refused_in_a_change_too(cast: Cast) -> None:
    ada, engine = cast.acme.actor("ada"), cast.engine
    await directory.create(engine, ada, NewIdentity(kind="contact", identifier="i"))
    with pytest.raises(Conflict):
        changes = PersonChanges(identifier="i")
        await directory.change(engine, ada, cast.acme.id("carol"), "contact", changes)


async def test_a_removed_contacts_identifier_is_free(cast: Cast) -> None:
    ada, engine = cast.acme.actor("ada"), cast.engine
    new = NewIdentity(kind="contact", identifier="i")
    first = await directory.create(engine, ada, new)
    await offboarding.remove(engine, ada, first.id, "contact")
    assert (await directory.create(engine, ada, new)).id != first.id


async def test_another_tenants_people_are_not_found(cast: Cast) -> None:
    ada, engine, theirs = cast.acme.actor("ada"), cast.engine, cast.rival.id("dan")
    with pytest.raises(NotFound):
        await directory.get(engine, ada, theirs, "user")
    with pytest.raises(NotFound):
        await directory.change(engine, ada, theirs, "user", PersonChanges(name="x"))
    with pytest.raises(NotFound):
        await offboarding.remove(engine, ada, theirs, "user")


async def test_a_contact_is_no_user(cast: Cast) -> None:
    with pytest.raises(NotFound):
        await directory.get(cast.engine, cast.acme.actor("ada"), cast.acme.id("carol"), "user")


async def test_without_permission_a_user_sees_only_itself(cast: Cast) -> None:
    dan = cast.acme.actor("dan")
    assert (await directory.get(cast.engine, dan, cast.acme.id("dan"), "user")).role == "driver"
    with pytest.raises(Forbidden):
        await directory.get(cast.engine, dan, cast.acme.id("ada"), "user")
    with pytest.raises(Forbidden):
        await directory.find_page(cast.engine, dan, PeopleFilter(), Window(10))


async def test_a_user_cannot_remove_itself(cast: Cast) -> None:
    with pytest.raises(Conflict):
        await offboarding.remove(cast.engine, cast.acme.actor("ada"), cast.acme.id("ada"), "user")


@pytest.mark.parametrize(
    "new",
    [
        NewIdentity(kind="user", name="x", role="king"),
        NewIdentity(kind="user", name="x", permissions='["fly"]'),
    ],
)
async def test_unknown_roles_and_permissions_are_refused(cast: Cast, new: NewIdentity) -> None:
    with pytest.raises(Invalid):
        await directory.create(cast.engine, cast.acme.actor("ada"), new)


async def test_concurrent_changes_are_all_stored(cast: Cast) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.id("dan")
    every = [PersonChanges(blocked=True), PersonChanges(phone="1"), PersonChanges(company="x")]
    every += [PersonChanges(name="Dan"), PersonChanges(last_name="y"), PersonChanges(location="z")]
    await asyncio.gather(*(directory.change(cast.engine, ada, dan, "user", c) for c in every))
    after = await directory.get(cast.engine, ada, dan, "user")
    assert (after.blocked, after.phone, after.company) == (True, "1", "x")
    assert (after.name, after.last_name, after.location) == ("Dan", "y", "z")


async def test_a_caller_creates_no_user_with_more_rights(cast: Cast) -> None:
    operator_actor = limited(cast)
    await directory.create(
        cast.engine, operator_actor, NewIdentity(kind="user", name="x", role="driver")
    )
    with pytest.raises(Forbidden):
        await directory.create(
            cast.engine, operator_actor, NewIdentity(kind="user", name="x", role="agent")
        )


async def test_a_caller_grants_no_right_that_it_does_not_have(cast: Cast) -> None:
    operator_actor, dan = limited(cast), cast.acme.id("dan")
    for changes in (PersonChanges(role="agent"), PersonChanges(permissions=f'["{VIEW_TENANT}"]')):
        with pytest.raises(Forbidden):
            await directory.change(cast.engine, operator_actor, dan, "user", changes)


async def test_a_caller_sets_no_password_of_a_user_with_more_rights(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await sessions.set_password(cast.engine, limited(cast), cast.acme.id("alice"), PASSWORD)
    with pytest.raises(Forbidden):
        await accounts.change(
            cast.engine, limited(cast), cast.acme.id("alice"), PersonChanges(), PASSWORD
        )


async def test_a_key_without_the_right_sets_not_even_its_own_users_password(cast: Cast) -> None:
    alice = cast.acme.id("alice")
    key = Actor(cast.acme.tenant.id, "key", alice, permissions=frozenset({VIEW_TENANT}))
    with pytest.raises(Forbidden):
        await sessions.set_password(cast.engine, key, alice, PASSWORD)


async def test_a_key_cannot_take_over_a_user_not_even_its_own(cast: Cast) -> None:
    ada = cast.acme.id("ada")
    key = Actor(cast.acme.tenant.id, "key", ada, permissions=frozenset({MANAGE_TENANT}))
    with pytest.raises(Forbidden):
        await sessions.set_password(cast.engine, key, ada, PASSWORD)
    with pytest.raises(Forbidden):
        await directory.change(cast.engine, key, ada, "user", PersonChanges(email="evil@x.test"))
    await directory.change(cast.engine, key, ada, "user", PersonChanges(phone="1"))


async def test_a_login_follows_its_users_email(cast: Cast) -> None:
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, operator_actor, dan.id, PASSWORD)
    email = f"new-{dan.id}@team.test"
    await directory.change(
        cast.engine, operator_actor, dan.id, "user", PersonChanges(email=email.upper())
    )
    assert (await sessions.log_in(cast.engine, email, PASSWORD)).user.id == dan.id
    with pytest.raises(Unauthenticated):
        await sessions.log_in(cast.engine, str(dan.email), PASSWORD)


async def test_a_login_email_is_unique_and_free_after_removal(cast: Cast) -> None:
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, operator_actor, dan.id, PASSWORD)
    twin = NewIdentity(kind="user", name="Twin", email=dan.email)
    with pytest.raises(Conflict):
        await accounts.create(cast.engine, operator_actor, twin, PASSWORD)
    found = await directory.find_page(
        cast.engine, operator_actor, PeopleFilter(search="Twin"), Window(10)
    )
    assert found.items == []
    await offboarding.remove(cast.engine, operator_actor, dan.id, "user")
    user = await accounts.create(cast.engine, operator_actor, twin, PASSWORD)
    assert (await sessions.log_in(cast.engine, str(dan.email), PASSWORD)).user.id == user.id


async def test_a_user_without_email_cannot_log_in_any_more(cast: Cast) -> None:
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, operator_actor, dan.id, PASSWORD)
    await directory.change(cast.engine, operator_actor, dan.id, "user", PersonChanges(email=None))
    with pytest.raises(Unauthenticated):
        await sessions.log_in(cast.engine, str(dan.email), PASSWORD)


async def test_a_contact_inbox_is_created_only_in_an_existing_inbox_of_the_tenant(
    cast: Cast,
) -> None:
    ada, new = cast.acme.actor("ada"), NewIdentity(kind="contact", name="Zoe")
    contact, contact_inbox = await directory.create_at(cast.engine, ada, new, cast.acme.inbox.id)
    assert (contact_inbox.contact_id, contact_inbox.inbox_id) == (contact.id, cast.acme.inbox.id)
    with pytest.raises(Invalid):
        await directory.create_at(cast.engine, ada, new, cast.rival.inbox.id)


async def test_a_search_ignores_case_and_finds_only_the_tenants_people(cast: Cast) -> None:
    f = PeopleFilter(kinds=("user", "contact"), search="CAROL")
    page = await directory.find_page(
        cast.engine, cast.acme.actor("ada"), f, Window(10), with_total=True
    )
    assert ([each.id for each in page.items], page.total) == ([cast.acme.id("carol")], 1)


async def test_the_creator_of_a_key_has_all_its_rights(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await api_keys.create(cast.engine, limited(cast), "k", frozenset({VIEW_TENANT}))
