"""JSON Web Tokens: our own (HS256), and those of tenants' issuers (one fixed algorithm each).

The token never chooses: algorithm and keys come from the configuration, its `kid` only looks one
up. joserfc does the signatures and compares the claims; what is stricter than the RFCs is here:
size, JSON that says one thing, headers that are refused, and the range of times.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from koine.kit.clock import Clock
from koine.kit.ids import new_id
from koine.kit.json import BadJson, loads_strict
from koine.kit.lazy_import import LazyModule
from koine.kit.times import unix
from koine.kit.tokens import MIN_SECRET_BYTES

if TYPE_CHECKING:
    from joserfc import errors, jwk, jws, jwt

    from koine.engine.verification import jwt_keys
else:
    errors = LazyModule("joserfc.errors")
    jwk = LazyModule("joserfc.jwk")
    jws = LazyModule("joserfc.jws")
    jwt = LazyModule("joserfc.jwt")
    jwt_keys = LazyModule("koine.engine.verification.jwt_keys")

MAX_TOKEN: Final = 8 * 1024
LEEWAY: Final = 60
"""Seconds by which another machine's clock may be wrong."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"crit", "jku", "x5u", "jwk", "b64"})
_ACCESS_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_TIMES = ("nbf", "iat", "exp")
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

    def __init__(
        self, secret: str, issuer: str, audience: str, clock: Clock, older: Sequence[str] = ()
    ) -> None:
        """`secret` signs; tokens signed with one of the `older` ones are accepted, too. Raises
        BadKey when one has fewer than 32 bytes."""
        self._secrets = (secret, *older)
        if min(len(each.encode()) for each in self._secrets) < MIN_SECRET_BYTES:
            raise jwt_keys.BadKey(f"a secret needs at least {MIN_SECRET_BYTES} bytes")
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def sign(self, claims: Mapping[str, object], ttl_s: int) -> str:
        """A token good for `ttl_s` seconds. `claims` needs `sub`; `jti` is made when absent;
        `iss`, `aud`, `iat` and `exp` are the signer's own."""
        now = unix(self._clock.now())
        full = {"jti": new_id(), **claims, "iss": self._issuer, "aud": self._audience}
        full |= {"iat": now, "exp": now + ttl_s}
        return jwt.encode({"alg": "HS256"}, full, self._keys[0])

    def verify(self, token: str) -> Claims:
        """The claims of a token signed here. Raises TokenError, and nothing else."""
        header, claims = self._read(token)
        if header.get("typ") != "JWT" or header.get("kid") is not None:
            raise TokenError("invalid", "header")
        _check_claims(claims, self._audience, self._issuer, self._clock.now())
        return claims

    def _read(self, token: str) -> tuple[Claims, Claims]:
        """Header and claims, once the signature is that of one of the keys: no token names its
        key, since servers of the version before refuse those that do."""
        *others, last = self._keys
        for key in others:
            try:
                return _read(token, "HS256", (key,))
            except TokenError:
                continue
        return _read(token, "HS256", (last,))

    @cached_property
    def _keys(self) -> tuple[jwk.OctKey, ...]:
        return tuple(jwk.OctKey.import_key(each) for each in self._secrets)


def verify_external(
    token: str,
    key_text: str,
    algorithm: str,
    audience: str | None,
    issuer: str | None,
    now: int,
) -> Claims:
    """The claims of a token of a tenant's own issuer (delivery.md, D), `now` in µs.

    `key_text` is a PEM key, JWK, JWKS or (HS256) a secret; `jwt_keys.check_key` says beforehand
    whether it will do. `audience` and `issuer` are compared when given. Raises TokenError, and
    nothing else.
    """
    try:
        keys = jwt_keys.keys_of(key_text, algorithm)
    except jwt_keys.BadKey as error:
        raise TokenError("invalid", f"key: {error.reason}") from None
    header, claims = _read(token, algorithm, keys)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _ACCESS_TYPES:
        raise TokenError("invalid", "typ")
    _check_claims(claims, audience, issuer, now)
    return claims


def unverified(token: str) -> Claims:
    """What a token says of itself, to find out whose key must prove it. Raises TokenError."""
    return _object(_segments(token)[1])


def key_id(token: str) -> object:
    """The `kid` a token names, unproven, to find out whether we know it. Raises TokenError."""
    return _object(_segments(token)[0]).get("kid")


def _segments(token: str) -> list[str]:
    if len(token) > MAX_TOKEN or not _SHAPE.fullmatch(token):
        raise TokenError("invalid", "shape")
    return token.split(".")


def _read(token: str, algorithm: str, keys: tuple[jwk.Key, ...]) -> tuple[Claims, Claims]:
    """Header and claims, once the signature is right."""
    head, payload, _ = _segments(token)
    header = _object(head)
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise TokenError("invalid", "header")
    key = jwt_keys.pick(keys, header.get("kid"))
    if key is None:
        raise TokenError("invalid", "kid")
    try:
        jws.deserialize_compact(token, key, registry=jwt_keys.registry(algorithm))
    except (errors.JoseError, ValueError) as error:
        raise TokenError("invalid", f"signature: {error}") from None
    return header, _object(payload)


def _object(segment: str) -> Claims:
    try:
        value = loads_strict(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, BadJson):
        raise TokenError("invalid", "encoding") from None
    if not isinstance(value, dict):
        raise TokenError("invalid", "encoding")
    return value


def _check_claims(claims: Claims, audience: str | None, issuer: str | None, now: int) -> None:
    subject = claims.get("sub")
    if isinstance(subject, str) and len(subject) > _MAX_SUBJECT:
        raise TokenError("invalid", "sub")
    for name in _TIMES:
        value = claims.get(name)
        if isinstance(value, int | float) and not 0 <= value <= _LAST_SECOND:
            raise TokenError("invalid", name)
    wanted: dict[str, jwt.ClaimsOption] = {"sub": {"essential": True}, "exp": {"essential": True}}
    for name, expected in (("aud", audience), ("iss", issuer)):
        if expected is not None:
            wanted[name] = {"essential": True, "value": expected}
    registry = jwt.JWTClaimsRegistry(unix(now), LEEWAY, **wanted)
    # "exp" last, so that only a token that is valid otherwise is refused as expired.
    checked = [name for name in wanted if name != "exp"] + list(_TIMES)
    try:
        registry.validate({name: claims[name] for name in checked if name in claims})
    except errors.ExpiredTokenError:
        raise TokenError("expired", "exp") from None
    except errors.JoseError as error:
        raise TokenError("invalid", str(error)) from None
