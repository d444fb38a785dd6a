"""JSON Web Tokens: our own (HS256), and those of tenants' issuers (one fixed algorithm each).

The token never chooses: algorithm and keys come from the configuration, its `kid` only looks one
up. joserfc does the cryptography; framing, header and claims are checked here, strictly.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from joserfc import jwt as jose
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from koine.kit.clock import Clock
from koine.kit.ids import new_id
from koine.kit.json import BadJson, loads_strict
from koine.kit.jwt_keys import BadKey, keys_of, secret_key
from koine.kit.times import SECOND, unix

MAX_TOKEN: Final = 8 * 1024
LEEWAY: Final = 60
"""Seconds by which another machine's clock may be wrong."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED_HEADERS = frozenset({"crit", "jku", "x5u", "jwk", "b64"})
_ACCESS_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_LAST_SECOND = 253_402_300_799
_MAX_SUBJECT = 255

Claims = dict[str, object]


class TokenError(Exception):
    """The token is not believed. `detail` is for the log, never for who sent the token."""

    def __init__(self, reason: Literal["expired", "invalid"], detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class TokenSigner:
    """Makes and reads this server's own tokens: HS256, `typ` JWT, one issuer, one audience."""

    def __init__(self, secret: str, issuer: str, audience: str, clock: Clock) -> None:
        """Raises BadKey when `secret` has fewer than 32 bytes."""
        self._keys = (secret_key(secret),)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def sign(self, claims: Mapping[str, object], ttl_s: int) -> str:
        """A token good for `ttl_s` seconds. `claims` needs `sub`; `jti` is made when absent;
        `iss`, `aud`, `iat` and `exp` are the signer's own."""
        now = unix(self._clock.now())
        full = {"jti": new_id(), **claims, "iss": self._issuer, "aud": self._audience}
        full |= {"iat": now, "exp": now + ttl_s}
        return jose.encode({"alg": "HS256", "typ": "JWT"}, full, self._keys[0], ["HS256"])

    def verify(self, token: str) -> Claims:
        """The claims of a token signed here. Raises TokenError, and nothing else."""
        header, claims = _read(token, self._keys, "HS256")
        if header.get("typ") != "JWT":
            raise TokenError("invalid", "typ")
        _check_claims(claims, self._audience, self._issuer, self._clock.now())
        return claims


def verify_external(
    token: str,
    key_text: str,
    algorithm: str,
    audience: str | None,
    issuer: str | None,
    now: int,
) -> Claims:
    """The claims of a token of a tenant's own issuer (delivery.md, D), `now` in µs.

    `key_text` is a PEM key, JWK, JWKS or (HS256) a secret; `jwt_keys.check_key` tells beforehand
    whether it will do. `audience` and `issuer` are compared when given. Raises TokenError, and
    nothing else.
    """
    try:
        keys = keys_of(key_text, algorithm)
    except BadKey as error:
        raise TokenError("invalid", f"key: {error.reason}") from None
    header, claims = _read(token, keys, algorithm)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _ACCESS_TYPES:
        raise TokenError("invalid", "typ")
    _check_claims(claims, audience, issuer, now)
    return claims


def unverified(token: str) -> Claims:
    """What a token says of itself, to find out whose key must prove it. Raises TokenError."""
    _, payload, _ = _parts(token)
    return _object(payload)


def _parts(token: str) -> tuple[bytes, bytes, bytes]:
    if len(token) > MAX_TOKEN or not _SHAPE.fullmatch(token):
        raise TokenError("invalid", "shape")
    head, payload, signature = token.encode().split(b".")
    return head, payload, signature


def _read(token: str, keys: tuple[Key, ...], algorithm: str) -> tuple[Claims, Claims]:
    """Header and claims, once the signature is right."""
    head, payload, signature = _parts(token)
    header = _object(head)
    if header.get("alg") != algorithm or not _REFUSED_HEADERS.isdisjoint(header):
        raise TokenError("invalid", "header")
    key = _pick(keys, header.get("kid"))
    try:
        # The algorithm's own model, so that one algorithm is possible and no more.
        good = JWSRegistry.algorithms[algorithm].verify(
            head + b"." + payload, urlsafe_b64decode(signature), key
        )
    except (JoseError, ValueError):
        good = False
    if not good:
        raise TokenError("invalid", "signature")
    return header, _object(payload)


def _object(segment: bytes) -> Claims:
    try:
        value = loads_strict(urlsafe_b64decode(segment))
    except (ValueError, BadJson):
        raise TokenError("invalid", "encoding") from None
    if not isinstance(value, dict):
        raise TokenError("invalid", "encoding")
    return value


def _pick(keys: tuple[Key, ...], kid: object) -> Key:
    named = [key for key in keys if kid is not None and key.kid == kid]
    if named:
        return named[0]
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        raise TokenError("invalid", "kid")
    if len(keys) == 1 and (kid is None or keys[0].kid is None):
        return keys[0]
    raise TokenError("invalid", "kid")


def _check_claims(claims: Claims, audience: str | None, issuer: str | None, now: int) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_SUBJECT:
        raise TokenError("invalid", "sub")
    if audience is not None and audience not in _audiences(claims.get("aud")):
        raise TokenError("invalid", "aud")
    if issuer is not None and claims.get("iss") != issuer:
        raise TokenError("invalid", "iss")
    seconds = now / SECOND
    for name in ("nbf", "iat"):
        if name in claims and _seconds(claims, name) > seconds + LEEWAY:
            raise TokenError("invalid", name)
    if _seconds(claims, "exp") + LEEWAY <= seconds:
        raise TokenError("expired", "exp")


def _audiences(claim: object) -> list[object]:
    return claim if isinstance(claim, list) else [claim]


def _seconds(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("invalid", name)
    if not 0 <= value <= _LAST_SECOND:
        raise TokenError("invalid", name)
    return value
