"""Tenants are created by the operator and changed by their managers."""

import asyncio

import msgspec
import pytest

from koine.engine import tenants
from koine.engine.tenants import TenantChanges
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.permissions import MANAGE_TENANT, ROLE_PERMISSIONS
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer
from tests.cast import Cast


async def test_a_tenant_has_a_default_responder(cast: Cast) -> None:
    assert cast.acme.tenant.default_responder_id is not None
    assert (await tenants.get(cast.engine, cast.acme.actor("dan"))).id == cast.acme.tenant.id


async def test_a_slug_is_unique(cast: Cast) -> None:
    with pytest.raises(Conflict):
        await tenants.create(cast.engine, "Other", cast.acme.tenant.slug)


async def test_concurrently_created_tenants_get_different_numbers(cast: Cast) -> None:
    making = [tenants.create(cast.engine, "T", f"t-{new_id()}") for _ in range(6)]
    created = await asyncio.gather(*making)
    assert len({tenant.number for tenant in created}) == 6


async def test_a_tenant_is_found_by_slug_or_id(cast: Cast) -> None:
    for name in (cast.acme.tenant.slug, cast.acme.tenant.id):
        assert (await tenants.get_by_slug_or_id(cast.engine, name)).id == cast.acme.tenant.id
    with pytest.raises(NotFound):
        await tenants.get_by_slug_or_id(cast.engine, "nobody")


async def test_an_actor_changes_only_its_own_tenant(cast: Cast) -> None:
    await tenants.change(cast.engine, cast.acme.actor("ada"), TenantChanges(name="New"))
    assert (await tenants.get(cast.engine, cast.acme.actor("ada"))).name == "New"
    assert (await tenants.get(cast.engine, cast.rival.actor("ada"))).name == "Rival"


async def test_only_managers_change_a_tenant(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await tenants.change(cast.engine, cast.acme.actor("alice"), TenantChanges(name="New"))


async def test_support_users_are_users_of_the_tenant(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    for outsider in (cast.rival.id("dan"), cast.acme.id("carol"), new_id()):
        with pytest.raises(Invalid):
            changes = TenantChanges(support_user_ids=[outsider])
            await tenants.change(cast.engine, ada, changes)


@pytest.mark.parametrize(
    ("algorithm", "key"), [("none", "x" * 40), ("HS256", "short"), ("RS256", "x" * 40)]
)
async def test_an_issuers_key_fits_its_algorithm(cast: Cast, algorithm: str, key: str) -> None:
    changes = TenantChanges(token_issuer=TokenIssuer(algorithm, key))
    with pytest.raises(Invalid):
        await tenants.change(cast.engine, cast.acme.actor("ada"), changes)


async def test_a_change_sets_only_the_fields_it_has(cast: Cast) -> None:
    ada, users = cast.acme.actor("ada"), [cast.acme.id("dora")]
    await tenants.change(cast.engine, ada, TenantChanges(support_user_ids=users))
    after: Tenant = await tenants.change(cast.engine, ada, TenantChanges(name="Renamed"))
    settings = msgspec.json.decode(after.settings, type=TenantSettings)
    assert (after.name, settings.support_user_ids) == ("Renamed", users)


async def test_concurrent_changes_are_all_stored(cast: Cast) -> None:
    ada, users = cast.acme.actor("ada"), [cast.acme.id("dora")]
    every = [TenantChanges(name="New"), TenantChanges(support_user_ids=users)]
    every.append(TenantChanges(token_issuer=TokenIssuer("HS256", "k" * 40)))
    await asyncio.gather(*(tenants.change(cast.engine, ada, each) for each in every))
    after = await tenants.get(cast.engine, ada)
    settings = msgspec.json.decode(after.settings, type=TenantSettings)
    assert (after.name, settings.support_user_ids) == ("New", users)
    assert settings.token_issuer is not None


async def test_only_an_actor_with_every_permission_sets_an_issuer(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    held = ROLE_PERMISSIONS["agent"] | {MANAGE_TENANT}
    manager = Actor(ada.tenant_id, "user", cast.acme.id("alice"), "agent", held)
    changes = TenantChanges(token_issuer=TokenIssuer("HS256", "k" * 40))
    with pytest.raises(Forbidden):
        await tenants.change(cast.engine, manager, changes)
    await tenants.change(cast.engine, ada, changes)
    with pytest.raises(Forbidden):
        await tenants.change(cast.engine, manager, TenantChanges(token_issuer=None))
    await tenants.change(cast.engine, manager, TenantChanges(name="Still"))
