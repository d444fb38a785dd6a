"""The keys of an issuer: fetched from its URL when needed, cached, and limited to its algorithm."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from koine.engine import tenants
from koine.engine.auth import credentials
from koine.engine.tenants import TenantChanges
from koine.kit.times import unix
from koine.model.errors import Invalid, Unauthenticated, Unavailable
from koine.model.tenant import TokenIssuer
from tests.cast import Cast
from tests.kit.outbound.receiver import RawReceiver, running_receiver

FIRST, SECOND_ = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("first", "second"))
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
DAY = 24 * 3600


def answer(*keys: ECKey | RSAKey, status: str = "200 OK", body: bytes | None = None) -> bytes:
    """The response of an issuer with a key set."""
    shown = [key.as_dict(private=False) for key in keys]
    text = json.dumps({"keys": shown}).encode() if body is None else body
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


@pytest.fixture
async def server() -> AsyncIterator[RawReceiver]:
    async with running_receiver(answer(FIRST)) as receiver:
        yield receiver


@pytest.fixture
def cast_settings(server: RawReceiver) -> dict[str, object]:
    return {"outbound_allow": f"127.0.0.1:{server.port}", "token_cache_seconds": 0}


@pytest.fixture
async def cast(cast: Cast, server: RawReceiver) -> AsyncIterator[Cast]:
    """Acme's issuer shows its keys on the server; each request asks for them afresh."""
    issuer = TokenIssuer("ES256", None, "them", "us", server.url)
    changes = TenantChanges(token_issuer=issuer)
    await tenants.change(cast.engine, cast.acme.actor("ada"), changes)
    yield cast
    await cast.engine.outbound.close()


def token(cast: Cast, key: ECKey | RSAKey | OctKey, alg: str = "ES256", kid: str = "") -> str:
    """Dan's token, by this key."""
    now = unix(cast.clock.now())
    claims = {"sub": cast.acme.id("dan"), "tenant_id": cast.acme.tenant.id, "role": "dispatcher"}
    claims |= {"iss": "them", "aud": "us"}
    header = {"alg": alg, "kid": kid or key.kid}
    return jwt.encode(header, claims | {"exp": now + 10 * DAY}, key, [alg])


async def believed(cast: Cast, text: str) -> bool:
    try:
        return (await credentials.by_token(cast.engine, text)).identity_id == cast.acme.id("dan")
    except Unauthenticated:
        return False


async def test_a_token_by_a_key_of_the_set_is_accepted(cast: Cast, server: RawReceiver) -> None:
    for _ in range(3):
        assert await believed(cast, token(cast, FIRST))
    assert len(server.requests) == 1
    assert server.requests[0].startswith(b"GET /hook HTTP/1.1\r\n")


async def test_concurrent_requests_fetch_the_keys_once(cast: Cast, server: RawReceiver) -> None:
    asked = [believed(cast, token(cast, FIRST)) for _ in range(20)]
    assert all(await asyncio.gather(*asked))
    assert len(server.requests) == 1


async def test_a_token_by_another_key_is_refused(cast: Cast) -> None:
    assert not await believed(cast, token(cast, SECOND_))
    assert not await believed(cast, token(cast, SECOND_, kid="first"))


async def test_only_the_configured_algorithm_is_accepted(cast: Cast, server: RawReceiver) -> None:
    server.response = answer(FIRST, RSA)
    assert await believed(cast, token(cast, FIRST))
    assert not await believed(cast, token(cast, RSA, "RS256"))
    # The public key used as an HMAC secret (algorithm confusion).
    public = OctKey.import_key(str(FIRST.as_dict(private=False)["x"]), {"kid": "first"})
    assert not await believed(cast, token(cast, public, "HS256"))


async def test_a_new_key_is_fetched_once_in_half_a_minute(cast: Cast, server: RawReceiver) -> None:
    assert await believed(cast, token(cast, FIRST))
    server.response = answer(SECOND_)
    for _ in range(5):
        assert not await believed(cast, token(cast, SECOND_))
    assert len(server.requests) == 1
    cast.clock.advance(seconds=31)
    assert await believed(cast, token(cast, SECOND_))
    assert not await believed(cast, token(cast, FIRST))
    assert len(server.requests) == 2


async def test_keys_are_fetched_again_after_ten_minutes(cast: Cast, server: RawReceiver) -> None:
    assert await believed(cast, token(cast, FIRST))
    server.response = answer(SECOND_)
    cast.clock.advance(seconds=599)
    assert await believed(cast, token(cast, FIRST))
    cast.clock.advance(seconds=2)
    assert not await believed(cast, token(cast, FIRST))


BROKEN = {
    "an error": answer(FIRST, status="500 Oops"),
    "a redirect": answer(FIRST, status="302 Found\r\nLocation: /other"),
    "no JSON": answer(body=b"<html>"),
    "a list": answer(body=b"[]"),
    "no keys": answer(),
    "another type of key": answer(RSA),
    "a private key": answer(body=json.dumps({"keys": [FIRST.as_dict(private=True)]}).encode()),
    "too many keys": answer(*[FIRST] * 21),
    "a PEM key": answer(body=FIRST.as_pem(private=False)),
    "too long": answer(body=b'{"keys": []' + b" " * 70_000 + b"}"),
    "no HTTP": b"hello\r\n\r\n",
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_expired_keys_are_used_for_a_day_if_the_url_fails(
    cast: Cast, server: RawReceiver, broken: str
) -> None:
    text = token(cast, FIRST)
    assert await believed(cast, text)
    server.response = BROKEN[broken]
    for hours in (1, 22):
        cast.clock.advance(seconds=hours * 3600)
        assert await believed(cast, text)
    assert len(server.requests) == 3
    cast.clock.advance(seconds=3600)
    with pytest.raises(Unavailable):
        await credentials.by_token(cast.engine, text)


@pytest.mark.parametrize("broken", BROKEN)
async def test_without_any_key_it_is_unavailable(
    cast: Cast, server: RawReceiver, broken: str
) -> None:
    server.response = BROKEN[broken]
    for _ in range(3):
        with pytest.raises(Unavailable) as raised:
            await credentials.by_token(cast.engine, token(cast, FIRST))
    assert (raised.value.retry_after, len(server.requests)) == (30, 1)
    server.response = answer(FIRST)
    cast.clock.advance(seconds=31)
    assert await believed(cast, token(cast, FIRST))


async def test_what_is_no_token_fetches_nothing(cast: Cast, server: RawReceiver) -> None:
    tenant = cast.acme.tenant.id
    for text in ("x", "a.b.c", "e30.e30", "", "." * 20):
        with pytest.raises(Unauthenticated):
            await credentials.by_token(cast.engine, text, tenant)
    assert server.requests == []


async def test_a_url_that_is_not_allowed_is_never_asked(cast: Cast, server: RawReceiver) -> None:
    url = server.url.replace("127.0.0.1", "127.0.0.2")
    changes = TenantChanges(token_issuer=TokenIssuer("ES256", None, "them", "us", url))
    await tenants.change(cast.engine, cast.acme.actor("ada"), changes)
    with pytest.raises(Unavailable):
        await credentials.by_token(cast.engine, token(cast, FIRST))
    assert server.connections == 0


@pytest.mark.parametrize(
    "issuer",
    [
        TokenIssuer("ES256"),
        TokenIssuer("ES256", "k" * 40, jwks_url="https://a.example/"),
        TokenIssuer("HS256", jwks_url="https://a.example/"),
        TokenIssuer("none", jwks_url="https://a.example/"),
    ],
)
async def test_an_invalid_response_of_the_issuer(cast: Cast, issuer: TokenIssuer) -> None:
    with pytest.raises(Invalid):
        await tenants.change(
            cast.engine, cast.acme.actor("ada"), TenantChanges(token_issuer=issuer)
        )
