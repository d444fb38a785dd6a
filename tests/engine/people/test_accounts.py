"""A user and its password are created and changed together, or not at all."""

import pytest

from koine.engine.auth import sessions
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor
from koine.model.errors import Conflict, Forbidden, Invalid
from koine.model.filters import PeopleFilter
from koine.model.identity import NewIdentity
from koine.model.page import Window
from tests.cast import PASSWORD, Cast

OTHER = "another long password"


async def test_a_user_is_made_with_a_password(cast: Cast) -> None:
    new = NewIdentity(kind="user", name="Eve", email=f"EVE@{cast.acme.tenant.id}.test ")
    user = await accounts.create(cast.engine, cast.acme.actor("ada"), new, PASSWORD)
    found = await sessions.log_in(cast.engine, str(user.email), PASSWORD)
    assert found.user == user


async def test_a_taken_email_creates_no_user(cast: Cast) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.people["dan"]
    await sessions.set_password(cast.engine, ada, dan.id, PASSWORD)
    with pytest.raises(Conflict):
        twin = NewIdentity(kind="user", name="Twin", email=dan.email)
        await accounts.create(cast.engine, ada, twin, PASSWORD)
    found = await directory.find_page(cast.engine, ada, PeopleFilter(search="Twin"), Window(10))
    assert found.items == []


async def test_a_bad_password_changes_nothing_else(cast: Cast) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.id("dan")
    with pytest.raises(Invalid):
        await accounts.change(cast.engine, ada, dan, PersonChanges(name="New"), "short")
    assert (await directory.get(cast.engine, ada, dan, "user")).name == "Dan User"


async def test_a_user_changes_its_password_with_the_old_one(cast: Cast) -> None:
    dan, engine = cast.acme.actor("dan"), cast.engine
    await sessions.set_password(engine, cast.acme.actor("ada"), cast.acme.id("dan"), PASSWORD)
    with pytest.raises(Invalid):
        await accounts.change_own_password(engine, dan, OTHER, OTHER)
    await accounts.change_own_password(engine, dan, PASSWORD, OTHER)
    email = str(cast.acme.people["dan"].email)
    assert (await sessions.log_in(engine, email, OTHER)).user.id == dan.identity_id


async def test_a_user_without_a_login_changes_no_password(cast: Cast) -> None:
    with pytest.raises(Invalid):
        await accounts.change_own_password(cast.engine, cast.acme.actor("olaf"), PASSWORD, OTHER)


async def test_a_key_does_not_change_its_users_password(cast: Cast) -> None:
    key = Actor(cast.acme.tenant.id, "key", cast.acme.id("dan"))
    with pytest.raises(Forbidden):
        await accounts.change_own_password(cast.engine, key, PASSWORD, OTHER)


@pytest.mark.parametrize(
    "password", ["Password1234", "x" * 1025, "dan@team.test 1", "Dan User Acme"]
)
async def test_a_weak_password_is_refused_however_it_is_set(cast: Cast, password: str) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.id("dan")
    email = PersonChanges(email="dan@team.test", name="Dan User")
    with pytest.raises(Invalid, match="password"):
        await accounts.change(cast.engine, ada, dan, email, password)
    await directory.change(cast.engine, ada, dan, "user", email)
    with pytest.raises(Invalid, match="password"):
        await sessions.set_password(cast.engine, ada, dan, password)
    new = NewIdentity(kind="user", email="dan@team.test", name="Dan User")
    with pytest.raises(Invalid, match="password"):
        await accounts.create(cast.engine, ada, new, password)
