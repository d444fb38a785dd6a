"""A caller cannot change a user with more rights, neither in one request nor in several."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from koine.engine import offboarding, tenants
from koine.engine.auth import api_keys, credentials, sessions
from koine.engine.people import accounts, directory
from koine.engine.people.directory import PersonChanges
from koine.model.actor import Actor, operator
from koine.model.errors import Forbidden, Unauthenticated
from koine.model.identity import NewIdentity
from koine.model.permissions import MANAGE_TENANT, PERMISSIONS, READ_CONVERSATIONS
from koine.model.tenant import TokenIssuer
from tests.cast import PASSWORD, Cast

MANAGE = frozenset({MANAGE_TENANT})
LESS = PersonChanges(role=None, permissions="[]")
Attack = Callable[[Cast, Actor, str], Awaitable[object]]


async def manager(cast: Cast, kind: str) -> Actor:
    """Dan with `manage:tenant` as his only permission, or a key with it."""
    operator_actor, dan = operator(cast.acme.tenant.id), cast.acme.id("dan")
    await directory.change(
        cast.engine, operator_actor, dan, "user", PersonChanges(permissions='["manage:tenant"]')
    )
    if kind == "key":
        created_key = await api_keys.create(cast.engine, operator_actor, "k", MANAGE, user_id=dan)
        return await credentials.by_key(cast.engine, created_key.text)
    return Actor(cast.acme.tenant.id, "user", dan, "driver", MANAGE)


ATTACKS: dict[str, Attack] = {
    "less and a password": lambda c, a, u: accounts.change(c.engine, a, u, LESS, PASSWORD),
    "less": lambda c, a, u: accounts.change(c.engine, a, u, LESS, None),
    "role": lambda c, a, u: directory.change(c.engine, a, u, "user", PersonChanges(role=None)),
    "blocked": lambda c, a, u: directory.change(
        c.engine, a, u, "user", PersonChanges(blocked=True)
    ),
    "email": lambda c, a, u: directory.change(
        c.engine, a, u, "user", PersonChanges(email="e@x.test")
    ),
    "password": lambda c, a, u: sessions.set_password(c.engine, a, u, PASSWORD),
    "removal": lambda c, a, u: offboarding.remove(c.engine, a, u, "user"),
    "a key as them": lambda c, a, u: api_keys.create(c.engine, a, "k", MANAGE, user_id=u),
}


@pytest.mark.parametrize("kind", ["user", "key"])
@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_manager_of_lower_rank_cannot_change_an_administrator(
    cast: Cast, attack: str, kind: str
) -> None:
    lesser, ada = await manager(cast, kind), cast.acme.id("ada")
    with pytest.raises(Forbidden):
        await ATTACKS[attack](cast, lesser, ada)
    after = await directory.get(cast.engine, cast.acme.actor("ada"), ada, "user")
    assert after == cast.acme.people["ada"]


@pytest.mark.parametrize("permissions", [PERMISSIONS, frozenset({READ_CONVERSATIONS})])
async def test_a_manager_of_lower_rank_cannot_revoke_an_administrators_key(
    cast: Cast, permissions: frozenset[str]
) -> None:
    created_key = await api_keys.create(cast.engine, cast.acme.actor("ada"), "k", permissions)
    with pytest.raises(Forbidden):
        await api_keys.revoke(cast.engine, await manager(cast, "user"), created_key.key.id)
    await credentials.by_key(cast.engine, created_key.text)


async def test_a_manager_changes_users_of_the_same_or_lower_rank(cast: Cast) -> None:
    lesser, cleo = await manager(cast, "user"), cast.acme.id("cleo")
    await accounts.change(cast.engine, lesser, cleo, PersonChanges(role="driver"), PASSWORD)
    created_key = await api_keys.create(cast.engine, lesser, "k", MANAGE, user_id=cleo)
    await api_keys.revoke(cast.engine, lesser, created_key.key.id)
    with pytest.raises(Unauthenticated):
        await credentials.by_key(cast.engine, created_key.text)
    await offboarding.remove(cast.engine, lesser, cleo, "user")


async def test_a_change_of_an_administrator_to_the_same_values_is_allowed(cast: Cast) -> None:
    lesser, ada = await manager(cast, "user"), cast.acme.people["ada"]
    same = PersonChanges(role=ada.role, email=ada.email, phone="1")
    assert (await directory.change(cast.engine, lesser, ada.id, "user", same)).phone == "1"


STAFF = PersonChanges(role="dispatcher")
ISSUER = TokenIssuer(algorithm="HS256", key="k" * 40)
TO_NOTES: dict[str, Attack] = {
    "a role for oneself": lambda c, a, _: directory.change(
        c.engine, a, c.acme.id("dan"), "user", STAFF
    ),
    "a role for another": lambda c, a, _: directory.change(
        c.engine, a, c.acme.id("cleo"), "user", STAFF
    ),
    "a new user": lambda c, a, _: directory.create(
        c.engine, a, NewIdentity(kind="user", name="E", role="agent")
    ),
    "an issuer": lambda c, a, _: tenants.change(
        c.engine, a, tenants.TenantChanges(token_issuer=ISSUER)
    ),
}


@pytest.mark.parametrize("kind", ["user", "key"])
@pytest.mark.parametrize("attack", ATTACKS | TO_NOTES)
async def test_a_manager_who_reads_no_private_notes_cannot_become_a_user_who_does(
    cast: Cast, attack: str, kind: str
) -> None:
    """Dan, a driver, has every permission; but private notes are read by roles of staff only."""
    operator_actor, dan, dora = (
        operator(cast.acme.tenant.id),
        cast.acme.id("dan"),
        cast.acme.id("dora"),
    )
    everything = PersonChanges(permissions=msgspec.json.encode(sorted(PERMISSIONS)).decode())
    await directory.change(cast.engine, operator_actor, dan, "user", everything)
    actor = Actor(cast.acme.tenant.id, "user", dan, "driver", PERMISSIONS)
    if kind == "key":
        created_key = await api_keys.create(cast.engine, actor, "k", PERMISSIONS)
        actor = await credentials.by_key(cast.engine, created_key.text)
    with pytest.raises(Forbidden):
        await (ATTACKS | TO_NOTES)[attack](cast, actor, dora)
