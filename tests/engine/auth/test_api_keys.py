"""API keys: the key is returned once, has its creator's rights at most, and is revoked at once."""

import pytest

from koine.engine.auth import api_keys, credentials
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor, operator
from koine.model.errors import Forbidden, Invalid, NotFound
from koine.model.permissions import MANAGE_TENANT, READ_CONVERSATIONS
from tests.cast import Cast

READ = frozenset({READ_CONVERSATIONS})


async def test_the_secret_is_not_stored(cast: Cast) -> None:
    created_key = await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", READ)
    kept = await api_keys.list_all(cast.engine, cast.acme.actor("ada"))
    assert created_key.key in kept
    assert all(created_key.text not in str(key) for key in kept)


async def test_a_key_acts_as_its_creator_or_a_named_user(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    own = await api_keys.create(cast.engine, ada, "k", READ)
    other = await api_keys.create(cast.engine, ada, "k", READ, user_id=cast.acme.id("dan"))
    assert (own.key.user_id, other.key.user_id) == (ada.identity_id, cast.acme.id("dan"))


async def test_a_key_acts_as_no_user_of_another_tenant_and_no_contact(cast: Cast) -> None:
    for name in (cast.rival.id("dan"), cast.acme.id("carol")):
        with pytest.raises(Invalid):
            await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", READ, user_id=name)


async def test_a_key_acts_as_no_user_with_more_rights_than_its_creator(cast: Cast) -> None:
    manage = frozenset({MANAGE_TENANT})
    operator_actor = Actor(cast.acme.tenant.id, "user", cast.acme.id("dan"), "driver", manage)
    more = PersonChanges(permissions='["manage:tenant"]')
    await directory.change(cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"), "user", more)
    await api_keys.create(cast.engine, operator_actor, "k", manage)
    await api_keys.create(cast.engine, operator_actor, "k", manage, user_id=cast.acme.id("cleo"))
    with pytest.raises(Forbidden):
        await api_keys.create(cast.engine, operator_actor, "k", manage, user_id=cast.acme.id("ada"))


async def test_a_key_cannot_expire_in_the_past(cast: Cast) -> None:
    ada, now = cast.acme.actor("ada"), cast.clock.now()
    with pytest.raises(Invalid):
        await api_keys.create(cast.engine, ada, "k", READ, expires_at=now)


async def test_the_operator_names_whom_a_key_acts_as(cast: Cast) -> None:
    with pytest.raises(Invalid):
        await api_keys.create(cast.engine, operator(cast.acme.tenant.id), "k", READ)


async def test_an_unknown_permission_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid):
        await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", frozenset({"fly"}))


async def test_a_key_creates_no_key_with_more_permissions(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    weak = await api_keys.create(cast.engine, ada, "k", frozenset({MANAGE_TENANT}))
    actor = await credentials.by_key(cast.engine, weak.text)
    with pytest.raises(Forbidden):
        await api_keys.create(cast.engine, actor, "more", READ)


async def test_only_managers_list_and_change_keys(cast: Cast) -> None:
    created_key = await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", READ)
    alice = cast.acme.actor("alice")
    with pytest.raises(Forbidden):
        await api_keys.list_all(cast.engine, alice)
    with pytest.raises(Forbidden):
        await api_keys.create(cast.engine, alice, "k", READ)
    with pytest.raises(Forbidden):
        await api_keys.revoke(cast.engine, alice, created_key.key.id)


async def test_another_tenants_key_is_not_found(cast: Cast) -> None:
    created_key = await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", READ)
    with pytest.raises(NotFound):
        await api_keys.revoke(cast.engine, cast.rival.actor("ada"), created_key.key.id)


async def test_a_key_is_revoked_once(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, ada, "k", READ)
    await api_keys.revoke(cast.engine, ada, created_key.key.id)
    with pytest.raises(NotFound):
        await api_keys.revoke(cast.engine, ada, created_key.key.id)
