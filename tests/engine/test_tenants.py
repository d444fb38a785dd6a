"""Tenants: made by the operator, set up by those who manage them."""

import asyncio

import msgspec
import pytest

from koine.engine import tenants
from koine.kit.ids import new_id
from koine.model.errors import Conflict, Forbidden, Invalid, NotFound
from koine.model.tenant import Tenant, TenantSettings, TokenIssuer
from koine.store.db import Database
from tests.cast import Cast, make_cast


@pytest.fixture
async def cast(db: Database) -> Cast:
    return await make_cast(db)


async def test_a_tenant_has_a_default_responder(cast: Cast) -> None:
    assert cast.acme.tenant.default_responder_id is not None
    assert (await tenants.own(cast.engine, cast.acme.actor("dan"))).id == cast.acme.tenant.id


async def test_a_short_name_is_of_one_tenant(cast: Cast) -> None:
    with pytest.raises(Conflict):
        await tenants.create(cast.engine, "Other", cast.acme.tenant.slug)


async def test_tenants_made_at_once_get_numbers_of_their_own(cast: Cast) -> None:
    making = [tenants.create(cast.engine, "T", f"t-{new_id()}") for _ in range(6)]
    made = await asyncio.gather(*making)
    assert len({tenant.number for tenant in made}) == 6


async def test_a_tenant_is_found_by_short_name_or_id(cast: Cast) -> None:
    for name in (cast.acme.tenant.slug, cast.acme.tenant.id):
        assert (await tenants.named(cast.engine, name)).id == cast.acme.tenant.id
    with pytest.raises(NotFound):
        await tenants.named(cast.engine, "nobody")


async def test_a_change_is_of_ones_own_tenant(cast: Cast) -> None:
    await tenants.change(cast.engine, cast.acme.actor("ada"), "New", None)
    assert (await tenants.own(cast.engine, cast.acme.actor("ada"))).name == "New"
    assert (await tenants.own(cast.engine, cast.rival.actor("ada"))).name == "Rival"


async def test_only_managers_change_a_tenant(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await tenants.change(cast.engine, cast.acme.actor("alice"), "New", None)


async def test_support_users_are_users_of_the_tenant(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    for stranger in (cast.rival.id("dan"), cast.acme.id("carol"), new_id()):
        with pytest.raises(Invalid):
            settings = TenantSettings(support_user_ids=[stranger])
            await tenants.change(cast.engine, ada, None, settings)


@pytest.mark.parametrize(
    ("algorithm", "key"), [("none", "x" * 40), ("HS256", "short"), ("RS256", "x" * 40)]
)
async def test_an_issuers_key_fits_its_algorithm(cast: Cast, algorithm: str, key: str) -> None:
    settings = TenantSettings(token_issuer=TokenIssuer(algorithm, key))
    with pytest.raises(Invalid):
        await tenants.change(cast.engine, cast.acme.actor("ada"), None, settings)


async def test_what_is_not_named_stays(cast: Cast) -> None:
    ada, settings = cast.acme.actor("ada"), TenantSettings(support_user_ids=[cast.acme.id("dora")])
    await tenants.change(cast.engine, ada, None, settings)
    after: Tenant = await tenants.change(cast.engine, ada, "Renamed", None)
    assert msgspec.json.decode(after.settings, type=TenantSettings) == settings
