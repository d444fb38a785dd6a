"""Every token nobody should believe, at every door that takes tokens: a 401 in its own shape."""

from collections.abc import Callable

import pytest
from joserfc import jwt

from koine.engine import tenants
from koine.engine.tenants import TenantChanges
from koine.model.actor import operator
from koine.model.tenant import TokenIssuer
from koine.server import dialects
from koine.store.core.db import Database
from tests.authz_matrix.callers import Caller, bearer
from tests.authz_matrix.runner import Run
from tests.bad_input import tokens
from tests.bad_input.prober import Prober
from tests.drivers.world import World, make_world

SPOKEN = {each.name: each for each in dialects()}
SECRET = "a secret of the tests' own that is long enough"
DOORS = {
    "delivery": "GET /messaging/conversations",
    "helpdesk": "GET /api/v1/conversations",
    "chats": "GET /api/v1/chats",
    "native": "GET /v1/me",
}
WORLDS: dict[int, tuple[Database, World]] = {}


@pytest.fixture
async def world(db: Database) -> World:
    """A world whose secret the tests know."""
    if id(db) not in WORLDS:
        WORLDS[id(db)] = (db, await make_world(db, secret_key=SECRET))
    return WORLDS[id(db)][1]


@pytest.mark.parametrize("name", DOORS)
async def test_none_is_believed(
    world: World, name: str, record_property: Callable[[str, object], None]
) -> None:
    asker = at_door(world, name)
    well = await asker.expect("well", refused=False)
    assert (well.status == 200) == (name != "chats")
    for what, token in tokens.bad(world.cast, SECRET):
        asker.caller.headers = bearer(token)
        if (reply := await asker.expect(what)).status != 401:
            asker.wrong.append(f"{what}: {reply.status}")
    record_property("counted: bad tokens", asker.asked)
    assert asker.wrong == []


@pytest.mark.parametrize("name", ["delivery", "helpdesk", "native"])
async def test_a_public_key_is_no_secret(world: World, name: str) -> None:
    public = tokens.RSA.as_pem(private=False).decode()
    issuer = TokenIssuer("RS256", public)
    acme = world.cast.acme.tenant.id
    await tenants.change(world.cast.engine, operator(acme), TenantChanges(token_issuer=issuer))
    world.cast.engine.forget_credentials()
    asker = at_door(world, name)
    claims = tokens.good(world.cast)
    asker.caller.headers = bearer(
        jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, tokens.RSA, ["RS256"])
    )
    assert (await asker.expect("the issuer's own", refused=False)).status == 200
    for what, token in tokens.confused(world.cast, public):
        asker.caller.headers = bearer(token)
        assert (await asker.expect(what)).status == 401, what
    assert asker.wrong == []


def at_door(world: World, name: str) -> Prober:
    """At a door with a token that is believed."""
    good = bearer(tokens.signed(tokens.good(world.cast), SECRET))
    ada = Caller("ada", "token", "ada", good)
    run = Run(world, {"everywhere": [ada], "inbox": [ada]}, None)  # type: ignore[arg-type]  # no thing is asked for
    return Prober(run, SPOKEN[name], DOORS[name])
