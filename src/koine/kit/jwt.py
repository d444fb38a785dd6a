"""JSON Web Tokens: our own (HS256), and those of tenants' issuers (one fixed algorithm each).

The token never chooses: algorithm and keys come from the configuration, its `kid` only looks one
up. Framing, header and claims are checked here, strictly; joserfc does the cryptography of the
issuers' tokens, for ours an HMAC is all there is to do.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

from koine.kit.clock import Clock
from koine.kit.ids import new_id
from koine.kit.json import BadJson, loads_strict
from koine.kit.later import Later
from koine.kit.times import SECOND, unix
from koine.kit.tokens import MIN_SECRET

if TYPE_CHECKING:
    from koine.kit import jwt_keys
else:
    jwt_keys = Later("koine.kit.jwt_keys")

MAX_TOKEN: Final = 8 * 1024
LEEWAY: Final = 60
"""Seconds by which another machine's clock may be wrong."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_REFUSED_HEADERS = frozenset({"crit", "jku", "x5u", "jwk", "b64"})
_ACCESS_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_LAST_SECOND = 253_402_300_799
_MAX_SUBJECT = 255

Claims = dict[str, object]
Proof = Callable[[bytes, bytes, object], bool]
"""Whether a signature (second) of this text (first) is by the key that `kid` (third) names."""


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
        self._secret = secret.encode()
        if len(self._secret) < MIN_SECRET:
            raise jwt_keys.BadKey(f"a secret needs at least {MIN_SECRET} bytes")
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    def sign(self, claims: Mapping[str, object], ttl_s: int) -> str:
        """A token good for `ttl_s` seconds. `claims` needs `sub`; `jti` is made when absent;
        `iss`, `aud`, `iat` and `exp` are the signer's own."""
        now = unix(self._clock.now())
        full = {"jti": new_id(), **claims, "iss": self._issuer, "aud": self._audience}
        full |= {"iat": now, "exp": now + ttl_s}
        text = b".".join(map(_segment, ({"alg": "HS256", "typ": "JWT"}, full)))
        return (text + b"." + _base64(self._mac(text))).decode()

    def verify(self, token: str) -> Claims:
        """The claims of a token signed here. Raises TokenError, and nothing else."""
        header, claims = _read(token, "HS256", self._proves)
        if header.get("typ") != "JWT":
            raise TokenError("invalid", "typ")
        _check_claims(claims, self._audience, self._issuer, self._clock.now())
        return claims

    def _proves(self, text: bytes, signature: bytes, kid: object) -> bool:
        # There is one key and no token of ours names one.
        return kid is None and hmac.compare_digest(self._mac(text), signature)

    def _mac(self, text: bytes) -> bytes:
        return hmac.digest(self._secret, text, "sha256")


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
        proves = jwt_keys.proof(key_text, algorithm)
    except jwt_keys.BadKey as error:
        raise TokenError("invalid", f"key: {error.reason}") from None
    header, claims = _read(token, algorithm, proves)
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _ACCESS_TYPES:
        raise TokenError("invalid", "typ")
    _check_claims(claims, audience, issuer, now)
    return claims


def unverified(token: str) -> Claims:
    """What a token says of itself, to find out whose key must prove it. Raises TokenError."""
    _, payload, _ = _parts(token)
    return _object(payload)


def key_id(token: str) -> object:
    """The `kid` a token names, unproven, to find out whether we know it. Raises TokenError."""
    return _object(_parts(token)[0]).get("kid")


def _parts(token: str) -> tuple[bytes, bytes, bytes]:
    if len(token) > MAX_TOKEN or not _SHAPE.fullmatch(token):
        raise TokenError("invalid", "shape")
    head, payload, signature = token.encode().split(b".")
    return head, payload, signature


def _read(token: str, algorithm: str, proves: Proof) -> tuple[Claims, Claims]:
    """Header and claims, once the signature is right."""
    head, payload, signature = _parts(token)
    header = _object(head)
    if header.get("alg") != algorithm or not _REFUSED_HEADERS.isdisjoint(header):
        raise TokenError("invalid", "header")
    try:
        good = proves(head + b"." + payload, _unbase64(signature), header.get("kid"))
    except ValueError:
        good = False
    if not good:
        raise TokenError("invalid", "signature")
    return header, _object(payload)


def _object(segment: bytes) -> Claims:
    try:
        value = loads_strict(_unbase64(segment))
    except (ValueError, BadJson):
        raise TokenError("invalid", "encoding") from None
    if not isinstance(value, dict):
        raise TokenError("invalid", "encoding")
    return value


def _segment(value: object) -> bytes:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unbase64(segment: bytes) -> bytes:
    """Raises ValueError, also where bits are left over: one signature has one spelling."""
    data = base64.b64decode(segment + b"=" * (-len(segment) % 4), b"-_", validate=True)
    if _base64(data) != segment:
        raise ValueError("not the one spelling of these bytes")
    return data


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
