"""Invalid tokens, each with a description of its fault."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from koine.engine.core.engine import ISSUER
from koine.kit.times import unix
from tests.authz_matrix.callers import encoded
from tests.cast import Cast

RSA, FOREIGN = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-256")


def good(cast: Cast) -> dict[str, object]:
    """The claims of a valid token of Ada's."""
    acme, now = cast.acme, unix(cast.engine.clock.now())
    who = {"sub": acme.id("ada"), "tenant_id": acme.tenant.id, "role": "tenant_admin"}
    times = {"iat": now, "exp": now + 600}
    return {**who, "permissions": [], "iss": ISSUER, "aud": ISSUER, "jti": "j", **times}


def bad(cast: Cast, secret: str) -> Iterator[tuple[str, str]]:
    """Each fault and its token. `secret` is the server's, so that only the claims are wrong."""
    yield from _framing(cast)
    yield from _headers(cast, secret)
    yield from _claims(cast, secret)
    yield from _keys(cast)


def signed(claims: dict[str, Any], secret: str, **header: object) -> str:
    """A token with this header, signed with HS256."""
    head = {"alg": "HS256", "typ": "JWT"} | header
    body = f"{encoded(head)}.{encoded(claims)}"
    return f"{body}.{_mac(body, secret)}"


def _mac(text: str, secret: str) -> str:
    mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _framing(cast: Cast) -> Iterator[tuple[str, str]]:
    token = cast.token("ada")
    head, payload, signature = token.split(".")
    yield "two parts", f"{head}.{payload}"
    yield "four parts", f"{token}.{signature}"
    yield "no signature", f"{head}.{payload}."
    yield "an empty payload", f"{head}..{signature}"
    yield "half a signature", token[:-10]
    yield "a longer signature", f"{token}AA"
    yield "padding", f"{token}="
    yield "another's payload", f"{head}.{cast.token('dan').split('.')[1]}.{signature}"
    yield "a space inside", f"{head}. {payload}.{signature}"
    yield "nine KiB", f"{head}.{payload}.{signature}{'A' * 9000}"
    yield "one MiB", "A" * (1 << 20)
    yield "only dots", "...."
    yield "JSON", json.dumps({"sub": cast.acme.id("ada")})


def _headers(cast: Cast, secret: str) -> Iterator[tuple[str, str]]:
    claims = good(cast)
    for alg in ("none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "hs256", None):
        yield f"alg {alg!r}", signed(claims, secret, alg=alg)
    unsigned = f"{encoded({'alg': 'none'})}.{encoded(claims)}."
    yield "alg none without signature", unsigned
    for kid in ("../../dev/null", "' OR 1=1", "http://evil.test/key", 1, "x" * 100):
        yield f"kid {str(kid)[:24]}", signed(claims, secret, kid=kid)
    yield "jku", signed(claims, secret, jku="http://evil.test/jwks.json")
    yield "x5u", signed(claims, secret, x5u="http://evil.test/cert.pem")
    yield "jwk", signed(claims, secret, jwk={"kty": "oct", "k": "AAAA"})
    yield "crit", signed(claims, secret, crit=["exp"])
    yield "b64", signed(claims, secret, b64=False)
    yield "another type", signed(claims, secret, typ="dpop+jwt")
    yield "no type", signed(claims, secret, typ=None)


def _claims(cast: Cast, secret: str) -> Iterator[tuple[str, str]]:
    claims = good(cast)
    now = unix(cast.engine.clock.now())
    wrong_claims: dict[str, dict[str, object]] = {
        "expired": {"exp": now - 61},
        "exp a text": {"exp": str(now + 600)},
        "exp null": {"exp": None},
        "exp a list": {"exp": [now + 600]},
        "exp true": {"exp": True},
        "exp without end": {"exp": 1e300},
        "exp before all": {"exp": -1},
        "not yet": {"nbf": now + 3600},
        "made tomorrow": {"iat": now + 86400},
        "another audience": {"aud": "someone-else"},
        "audiences without us": {"aud": ["a", "b"]},
        "no audience": {"aud": None},
        "another issuer": {"iss": "https://evil.test"},
        "no subject": {"sub": None},
        "a subject of nothing": {"sub": ""},
        "a subject that is no id": {"sub": "ada"},
        "an unknown subject": {"sub": "00000000-0000-7000-8000-000000000000"},
        "the rival's subject": {"sub": cast.rival.id("ada")},
        "a contact": {"sub": cast.acme.id("carol")},
        "the tenant's own id": {"sub": cast.acme.tenant.id},
        "an unknown tenant": {"tenant_id": "00000000-0000-7000-8000-000000000000"},
        "a tenant of no form": {"tenant_id": "acme"},
        "the rival's tenant": {"tenant_id": cast.rival.tenant.id},
    }
    for what, wrong in wrong_claims.items():
        yield what, signed(claims | wrong, secret)
    without = {name: value for name, value in claims.items() if name != "exp"}
    yield "no exp", signed(without, secret)
    doubled = json.dumps(claims)[:-1] + ', "sub": "x"}'
    body = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(doubled)}"
    yield "claims twice", f"{body}.{_mac(body, secret)}"
    listed = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_segment('[1]')}"
    yield "claims that are a list", f"{listed}.{_mac(listed, secret)}"


def _keys(cast: Cast) -> Iterator[tuple[str, str]]:
    """Tokens signed with other keys: none, guessed ones, and public keys as secrets."""
    claims = good(cast)
    for guess in ("secret", "", "x" * 48, ISSUER, cast.acme.tenant.id):
        yield f"the secret {guess[:8]!r}", signed(claims, guess)
    for key, alg in ((FOREIGN, "RS256"), (EC, "ES256")):
        yield f"a foreign {alg}", jwt.encode({"alg": alg, "typ": "JWT"}, claims, key, [alg])


def confused(cast: Cast, public: str) -> Iterator[tuple[str, str]]:
    """Of a tenant whose issuer signs with RS256: its public key, used as a secret."""
    for text in (public, public.strip(), public + "\n"):
        yield f"RS256 as HS256 ({len(text)})", signed(good(cast), text)
    other = RSAKey.generate_key(2048)
    yield (
        "another RSA key",
        jwt.encode({"alg": "RS256", "typ": "JWT"}, good(cast), other, ["RS256"]),
    )
    yield "PS256", jwt.encode({"alg": "PS256", "typ": "JWT"}, good(cast), RSA, ["PS256"])
    yield "unsigned", f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(good(cast))}."


def _segment(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
