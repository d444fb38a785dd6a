"""The actor of a credential, and how soon a change takes effect."""

from base64 import urlsafe_b64encode

import pytest

from koine.engine import offboarding, tenants
from koine.engine.auth import api_keys, credentials, sessions
from koine.engine.core.engine import open_engine
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.engine.tenants import TenantChanges
from koine.engine.verification.jwt import TokenSigner
from koine.kit.clock import FakeClock
from koine.kit.ids import new_id
from koine.kit.times import SECOND
from koine.model.errors import Forbidden, Invalid, NotFound, Unauthenticated
from koine.model.permissions import READ_CONVERSATIONS, VIEW_TENANT
from koine.model.tenant import TokenIssuer
from tests.cast import Cast

READ = frozenset({READ_CONVERSATIONS})
THEIR_SECRET = "their own secret of forty characters long"


async def refused(cast: Cast, text: str) -> str:
    """The reason why a credential is refused."""
    find = credentials.by_key if text.startswith("sk_") else credentials.by_token
    with pytest.raises(Unauthenticated) as caught:
        await find(cast.engine, text)
    return caught.value.reason


async def test_a_key_is_its_user_with_its_own_permissions(cast: Cast) -> None:
    actor = await credentials.by_key(cast.engine, cast.acme.read_only_key)
    assert (actor.kind, actor.identity_id) == ("key", cast.acme.id("alice"))
    assert (actor.tenant_id, actor.permissions) == (cast.acme.tenant.id, READ)


@pytest.mark.parametrize("text", ["sk_", "sk_live_", "sk_live_x", "sk_live_" + "é" * 40])
async def test_an_arbitrary_text_is_no_key(cast: Cast, text: str) -> None:
    assert await refused(cast, text) == "invalid"


async def test_the_prefix_of_a_key_does_not_authenticate(cast: Cast) -> None:
    assert await refused(cast, cast.acme.key[:-1] + "!") == "invalid"


async def test_a_revoked_key_is_refused_when_the_cache_has_run_out(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, ada, "k", READ)
    elsewhere = await open_engine(
        cast.engine.db, cast.clock, cast.engine.settings, cast.engine.webhook_formats
    )
    await credentials.by_key(cast.engine, created_key.text)
    await api_keys.revoke(elsewhere, ada, created_key.key.id)
    await credentials.by_key(cast.engine, created_key.text)
    cast.clock.advance(seconds=cast.engine.settings.token_cache_seconds + 1)
    assert await refused(cast, created_key.text) == "revoked"


async def test_a_revoked_key_is_refused_at_once_by_the_node_that_revoked_it(cast: Cast) -> None:
    ada = cast.acme.actor("ada")
    created_key = await api_keys.create(cast.engine, ada, "k", READ)
    await credentials.by_key(cast.engine, created_key.text)
    await api_keys.revoke(cast.engine, ada, created_key.key.id)
    assert await refused(cast, created_key.text) == "revoked"


async def test_a_cached_key_expires_on_time(cast: Cast) -> None:
    until = cast.clock.now() + 2 * SECOND
    created_key = await api_keys.create(
        cast.engine, cast.acme.actor("ada"), "k", READ, expires_at=until
    )
    await credentials.by_key(cast.engine, created_key.text)
    cast.clock.advance(seconds=2)
    assert await refused(cast, created_key.text) == "expired"


async def test_a_removed_users_key_and_token_are_refused(cast: Cast) -> None:
    ada, dan = cast.acme.actor("ada"), cast.acme.id("dan")
    created_key = await api_keys.create(cast.engine, ada, "k", READ, user_id=dan)
    token = cast.token("dan")
    await credentials.by_token(cast.engine, token)
    await offboarding.remove(cast.engine, ada, dan, "user")
    cast.clock.advance(seconds=6)
    assert await refused(cast, token) == "invalid"
    assert await refused(cast, created_key.text) == "revoked"


async def test_a_blocked_users_token_is_refused(cast: Cast) -> None:
    blocked = PersonChanges(blocked=True)
    await directory.change(
        cast.engine, cast.acme.actor("ada"), cast.acme.id("dan"), "user", blocked
    )
    assert await refused(cast, cast.token("dan")) == "invalid"


async def test_a_change_of_role_applies_to_tokens_issued_before(cast: Cast) -> None:
    token, alice = cast.token("alice"), cast.acme.id("alice")
    assert (await credentials.by_token(cast.engine, token)).may(VIEW_TENANT)
    changes = PersonChanges(role="driver")
    await directory.change(cast.engine, cast.acme.actor("ada"), alice, "user", changes)
    cast.clock.advance(seconds=6)
    actor = await credentials.by_token(cast.engine, token)
    assert (actor.role, actor.may(VIEW_TENANT)) == ("driver", False)


async def test_a_token_of_another_server_is_refused(cast: Cast) -> None:
    clock = FakeClock(cast.clock.now())
    claims: dict[str, object] = {
        "sub": cast.acme.id("ada"), "tenant_id": cast.acme.tenant.id, "is_system_admin": True,
    }  # fmt: skip
    forged = TokenSigner("x" * 40, "koine", "koine", clock).sign(claims, 60)
    assert await refused(cast, forged) == "invalid"


async def test_a_token_names_its_tenant(cast: Cast) -> None:
    token, acme = cast.token("ada"), cast.acme.tenant.id
    assert (await credentials.by_token(cast.engine, token, acme.upper())).tenant_id == acme
    with pytest.raises(Forbidden):
        await credentials.by_token(cast.engine, token, cast.rival.tenant.id)


async def test_the_servers_administrator_is_of_the_tenant_it_names(cast: Cast) -> None:
    token = sessions.system_admin_token(cast.engine, 60)
    for company in (cast.acme, cast.rival):
        actor = await credentials.by_token(cast.engine, token, company.tenant.id)
        assert (actor.tenant_id, actor.is_system_admin) == (company.tenant.id, True)
    with pytest.raises(Invalid):
        await credentials.by_token(cast.engine, token)
    with pytest.raises(NotFound):
        await credentials.by_token(cast.engine, token, new_id())


async def with_issuer(cast: Cast) -> TokenSigner:
    """Make Acme trust its own issuer of tokens."""
    changes = TenantChanges(token_issuer=TokenIssuer("HS256", THEIR_SECRET, "them", "us"))
    await tenants.change(cast.engine, cast.acme.actor("ada"), changes)
    return TokenSigner(THEIR_SECRET, "them", "us", cast.clock)


async def test_the_tenants_own_issuer_is_trusted_for_its_users(cast: Cast) -> None:
    issuer = await with_issuer(cast)
    claims: dict[str, object] = {
        "sub": cast.acme.id("dan"), "tenant_id": cast.acme.tenant.id, "role": "dispatcher",
    }  # fmt: skip
    actor = await credentials.by_token(cast.engine, issuer.sign(claims, 60))
    assert (actor.identity_id, actor.role) == (cast.acme.id("dan"), "dispatcher")
    assert not actor.is_system_admin


async def test_an_issuer_authenticates_no_other_tenant_and_no_system_administrator(
    cast: Cast,
) -> None:
    issuer = await with_issuer(cast)
    theirs: dict[str, object] = {"sub": cast.rival.id("ada"), "tenant_id": cast.rival.tenant.id}
    assert await refused(cast, issuer.sign(theirs, 60)) == "invalid"
    crossed: dict[str, object] = {"sub": cast.rival.id("ada"), "tenant_id": cast.acme.tenant.id}
    assert await refused(cast, issuer.sign(crossed, 60)) == "invalid"
    admin: dict[str, object] = {
        "sub": cast.acme.id("dan"), "tenant_id": cast.acme.tenant.id, "is_system_admin": True,
    }  # fmt: skip
    actor = await credentials.by_token(cast.engine, issuer.sign(admin, 60))
    assert not actor.is_system_admin


async def test_an_issuers_token_ends(cast: Cast) -> None:
    issuer = await with_issuer(cast)
    claims: dict[str, object] = {"sub": cast.acme.id("dan"), "tenant_id": cast.acme.tenant.id}
    token = issuer.sign(claims, 10)
    cast.clock.advance(seconds=120)
    assert await refused(cast, token) == "expired"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_a_deeply_nested_token_is_refused_as_invalid(cast: Cast, opening: bytes) -> None:
    deep = urlsafe_b64encode(opening * 20_000).decode().rstrip("=")
    for named in (None, cast.acme.tenant.id):
        with pytest.raises(Unauthenticated):
            await credentials.by_token(cast.engine, f"e30.{deep}.e30", named)


async def test_a_refused_change_of_rights_clears_no_cached_credential(cast: Cast) -> None:
    token, engine = cast.token("alice"), cast.engine
    actor = await credentials.by_token(engine, token)
    with pytest.raises(Forbidden):
        await offboarding.remove(engine, actor, cast.acme.id("dan"), "user")
    assert engine.credential_cache.get(token, cast.clock.now()) == actor
    await offboarding.remove(engine, cast.acme.actor("ada"), cast.acme.id("dan"), "user")
    assert engine.credential_cache.get(token, cast.clock.now()) is None
