"""The rights of a key: its permissions, restricted to its creator's rights when it is used."""

import pytest

from koine.engine import offboarding
from koine.engine.auth import access, api_keys, credentials, delegation
from koine.engine.auth.delegation import Delegator
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.kit.times import SECOND
from koine.model.actor import Actor, operator
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.identity import NewIdentity
from koine.model.permissions import MANAGE_TENANT, PERMISSIONS, READ_CONVERSATIONS
from tests.cast import Cast

MANAGE = frozenset({MANAGE_TENANT, READ_CONVERSATIONS})
GONE = [PersonChanges(blocked=True), None]


async def admin(cast: Cast) -> Actor:
    """A second administrator of Acme, whom tests demote."""
    new = NewIdentity(kind="user", name="Eve", role="tenant_admin")
    eve = await directory.create(cast.engine, operator(cast.acme.tenant.id), new)
    return Actor(cast.acme.tenant.id, "user", eve.id, eve.role, PERMISSIONS)


async def change(cast: Cast, who: Actor, changes: PersonChanges | None) -> None:
    """Change a user, or remove it."""
    assert who.identity_id is not None
    if changes is None:
        await offboarding.remove(cast.engine, cast.acme.actor("ada"), who.identity_id, "user")
    else:
        await directory.change(
            cast.engine, cast.acme.actor("ada"), who.identity_id, "user", changes
        )


async def test_the_key_of_a_demoted_administrator_creates_no_administrator(cast: Cast) -> None:
    eve = await admin(cast)
    created_key = await api_keys.create(
        cast.engine, eve, "k", PERMISSIONS, user_id=cast.acme.id("dan")
    )
    before = await credentials.by_key(cast.engine, created_key.text)
    assert before.permissions == PERMISSIONS
    await change(cast, eve, PersonChanges(role="agent"))
    after = await credentials.by_key(cast.engine, created_key.text)
    assert after.may(READ_CONVERSATIONS)
    with pytest.raises(Forbidden):
        new = NewIdentity(kind="user", name="Mallory", role="tenant_admin")
        await directory.create(cast.engine, after, new)


async def test_a_key_gains_no_permission_when_its_creator_is_promoted(cast: Cast) -> None:
    created_key = await api_keys.create(
        cast.engine, await admin(cast), "k", frozenset({READ_CONVERSATIONS})
    )
    actor = await credentials.by_key(cast.engine, created_key.text)
    assert actor.permissions == {READ_CONVERSATIONS}


@pytest.mark.parametrize("how", GONE, ids=["blocked", "removed"])
async def test_the_key_of_a_removed_user_does_not_authenticate(
    cast: Cast, how: PersonChanges | None
) -> None:
    eve = await admin(cast)
    created_key = await api_keys.create(cast.engine, eve, "k", MANAGE, user_id=cast.acme.id("dan"))
    await credentials.by_key(cast.engine, created_key.text)
    await change(cast, eve, how)
    with pytest.raises(Unauthenticated, match="revoked"):
        await credentials.by_key(cast.engine, created_key.text)


async def test_a_key_is_invalid_after_the_key_that_created_it_is_revoked(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    first = await api_keys.create(cast.engine, ada, "first", MANAGE)
    actor = await credentials.by_key(cast.engine, first.text)
    second = await api_keys.create(cast.engine, actor, "second", MANAGE)
    await credentials.by_key(cast.engine, second.text)
    await api_keys.revoke(cast.engine, ada, first.key.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await credentials.by_key(cast.engine, second.text)


async def test_a_chain_of_keys_that_create_keys_has_a_limit(cast: Cast) -> None:
    actor = cast.acme.actor("ada")
    for _ in range(delegation.MAX_DEPTH):
        created_key = await api_keys.create(cast.engine, actor, "k", MANAGE)
        actor = await credentials.by_key(cast.engine, created_key.text)
        assert actor.permissions == MANAGE
    with pytest.raises(Invalid):
        await api_keys.create(cast.engine, actor, "one more", MANAGE)


async def test_a_key_of_the_operator_has_no_delegator(cast: Cast) -> None:
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.id("dan")
    created_key = await api_keys.create(cast.engine, operator_actor, "k", PERMISSIONS, user_id=dan)
    actor = await credentials.by_key(cast.engine, created_key.text)
    assert (actor.permissions, access.sees_private(actor)) == (PERMISSIONS, True)


async def test_a_key_reads_private_notes_while_its_creator_may(cast: Cast) -> None:
    eve = await admin(cast)
    created_key = await api_keys.create(cast.engine, eve, "k", MANAGE)
    assert access.sees_private(await credentials.by_key(cast.engine, created_key.text))
    await change(cast, eve, PersonChanges(role="driver", permissions='["read:conversations"]'))
    actor = await credentials.by_key(cast.engine, created_key.text)
    assert actor.permissions == {READ_CONVERSATIONS}
    assert not access.sees_private(actor)


async def test_a_key_expires_with_the_key_that_created_it(cast: Cast) -> None:
    until = cast.clock.now() + 2 * SECOND
    ada = cast.acme.actor("ada")
    first = await api_keys.create(cast.engine, ada, "first", MANAGE, expires_at=until)
    actor = await credentials.by_key(cast.engine, first.text)
    second = await api_keys.create(cast.engine, actor, "second", MANAGE)
    assert (await credentials.by_key(cast.engine, second.text)).expires_at == until
    cast.clock.advance(seconds=2)
    with pytest.raises(Unauthenticated):
        await credentials.by_key(cast.engine, second.text)


async def test_the_current_rights_of_a_delegator(cast: Cast) -> None:
    async def current_rights(delegator: Delegator, of: str) -> Actor | None:
        return await cast.engine.db.read(of, delegation.current_rights, cast.clock.now(), delegator)

    acme, rival, eve = cast.acme.tenant.id, cast.rival.tenant.id, await admin(cast)
    delegator = delegation.delegator_of(eve)
    assert delegator == Delegator(user_id=eve.identity_id)
    assert (held := await current_rights(delegator, acme)) and held.permissions == PERMISSIONS
    assert await current_rights(delegator, rival) is None
    await change(cast, eve, None)
    assert await current_rights(delegator, acme) is None
    assert (
        operator_actor := await current_rights(Delegator(), acme)
    ) and operator_actor.is_system_admin


async def test_a_key_that_was_taken_over_is_valid_without_its_creator(cast: Cast) -> None:
    eve, ada = await admin(cast), cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, eve, "k", MANAGE, user_id=cast.acme.id("dan"))
    await change(cast, eve, None)
    with pytest.raises(Unauthenticated):
        await credentials.by_key(cast.engine, created_key.text)
    assert (
        await api_keys.take_over(cast.engine, ada, created_key.key.id)
    ).created_by == ada.identity_id
    assert (await credentials.by_key(cast.engine, created_key.text)).permissions == MANAGE
    after = await api_keys.take_over(cast.engine, operator(cast.acme.tenant.id), created_key.key.id)
    assert (after.created_by, after.created_by_key) == (None, None)


@pytest.mark.parametrize("gone", GONE)
async def test_a_key_that_acts_as_a_removed_user_cannot_be_taken_over(
    cast: Cast, gone: PersonChanges | None
) -> None:
    eve, ada = await admin(cast), cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, eve, "k", MANAGE)
    await change(cast, eve, gone)
    for who in (ada, operator(cast.acme.tenant.id)):
        with pytest.raises(Conflict, match="make a key for another user"):
            await api_keys.take_over(cast.engine, who, created_key.key.id)


async def test_a_key_with_more_rights_than_the_caller_cannot_be_taken_over(cast: Cast) -> None:
    eve, ada = await admin(cast), cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, eve, "k", MANAGE, user_id=cast.acme.id("dan"))
    await change(cast, eve, PersonChanges(role="driver", permissions='["manage:tenant"]'))
    lesser = Actor(cast.acme.tenant.id, "user", eve.identity_id, "driver", MANAGE)
    key = await credentials.by_key(cast.engine, cast.acme.key)
    for who in (lesser, key, cast.acme.actor("alice")):
        with pytest.raises(Forbidden):
            await api_keys.take_over(cast.engine, who, created_key.key.id)
    await api_keys.revoke(cast.engine, ada, created_key.key.id)
    for found, by in ((created_key.key.id, ada), (cast.acme.id("dan"), ada)):
        with pytest.raises(NotFound):
            await api_keys.take_over(cast.engine, by, found)
    with pytest.raises(NotFound):
        await api_keys.take_over(cast.engine, cast.rival.actor("ada"), created_key.key.id)
