"""Every invalid token, in every dialect that reads tokens: a 401 in the dialect's error format."""

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
from tests.drivers.cast_app import CastApp, make_cast_app

SPOKEN = {each.name: each for each in dialects()}
SECRET = "a secret of the tests' own that is long enough"
ROUTES = {
    "delivery": "GET /messaging/conversations",
    "helpdesk": "GET /api/v1/conversations",
    "chats": "GET /api/v1/chats",
    "native": "GET /v1/me",
}
APPS: dict[int, tuple[Database, CastApp]] = {}


@pytest.fixture
async def cast_app(db: Database) -> CastApp:
    """An application whose secret the tests know."""
    if id(db) not in APPS:
        APPS[id(db)] = (db, await make_cast_app(db, secret_key=SECRET))
    return APPS[id(db)][1]


@pytest.mark.parametrize("name", ROUTES)
async def test_every_invalid_token_is_refused(
    cast_app: CastApp, name: str, record_property: Callable[[str, object], None]
) -> None:
    prober = prober_with_token(cast_app, name)
    valid = await prober.expect("a valid request", refused=False)
    assert (valid.status == 200) == (name != "chats")
    for what, token in tokens.bad(cast_app.cast, SECRET):
        prober.caller.headers = bearer(token)
        if (reply := await prober.expect(what)).status != 401:
            prober.wrong.append(f"{what}: {reply.status}")
    record_property("counted: bad tokens", prober.requests)
    assert prober.wrong == []


@pytest.mark.parametrize("name", ["delivery", "helpdesk", "native"])
async def test_a_public_key_is_refused_as_an_hs256_secret(cast_app: CastApp, name: str) -> None:
    public = tokens.RSA.as_pem(private=False).decode()
    issuer = TokenIssuer("RS256", public)
    acme = cast_app.cast.acme.tenant.id
    await tenants.change(cast_app.cast.engine, operator(acme), TenantChanges(token_issuer=issuer))
    cast_app.cast.engine.forget_credentials()
    prober = prober_with_token(cast_app, name)
    claims = tokens.good(cast_app.cast)
    prober.caller.headers = bearer(
        jwt.encode({"alg": "RS256", "typ": "JWT"}, claims, tokens.RSA, ["RS256"])
    )
    assert (await prober.expect("the issuer's own", refused=False)).status == 200
    for what, token in tokens.confused(cast_app.cast, public):
        prober.caller.headers = bearer(token)
        assert (await prober.expect(what)).status == 401, what
    assert prober.wrong == []


def prober_with_token(cast_app: CastApp, name: str) -> Prober:
    """A prober of the dialect's route with a valid token."""
    good = bearer(tokens.signed(tokens.good(cast_app.cast), SECRET))
    ada = Caller("ada", "token", "ada", good)
    run = Run(cast_app, {"everywhere": [ada], "inbox": [ada]}, None)  # type: ignore[arg-type]  # there is no target
    return Prober(run, SPOKEN[name], ROUTES[name])
