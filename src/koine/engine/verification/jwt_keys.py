"""The keys of tenants' own issuers: PEM, JWK, JWKS or a secret, made to fit one algorithm."""

import re
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError, SecurityWarning, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from koine.kit.json import BOM, BadJson, loads_strict
from koine.kit.tokens import MIN_SECRET_BYTES

KEY_TYPES: Final = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "EdDSA": "OKP",
    "HS256": "oct",
}
"""The algorithms an issuer may be fixed to, and the type of key each needs."""

_MAX_TEXT = 64 * 1024
_MAX_KEYS = 20
_RSA_BITS = range(2048, 8193)
_PEM: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURVES = {"EdDSA": ("Ed25519", "Ed448")}
# What the libraries may raise on an untrusted key.
_UNREADABLE = (
    JoseError,
    UnsupportedAlgorithm,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
)


class BadKey(Exception):
    """The key text cannot serve the algorithm. `reason` is a phrase for who set it up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _OneAlgorithm(JWSRegistry):
    """Sizes are bounded before, for the whole token; other header parameters are no matter."""

    max_header_length = max_payload_length = max_signature_length = 1 << 16

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=False)
        self._algorithm = algorithm

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm. The library's own warns of the name "EdDSA", which issuers still use."""
        if name != self._algorithm:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


def check_key(key_text: str, algorithm: str) -> None:
    """Raises BadKey unless `key_text` holds a key that fits `algorithm`. For when it is set."""
    keys_of(key_text, algorithm)


@lru_cache(maxsize=256)
def keys_of(key_text: str, algorithm: str) -> tuple[Key, ...]:
    """The keys in `key_text` that fit `algorithm`, at least one. Raises BadKey."""
    if algorithm not in KEY_TYPES:
        raise BadKey(f"the algorithm must be one of {', '.join(KEY_TYPES)}")
    text = key_text.strip()
    if len(text) > _MAX_TEXT:
        raise BadKey(f"longer than {_MAX_TEXT} characters")
    if text.startswith("{"):
        return _from_json(text, algorithm)
    if "-----BEGIN" in text:
        return (_from_pem(text, algorithm),)
    return (_from_secret(text, algorithm),)


@cache
def registry(algorithm: str) -> JWSRegistry:
    """What joserfc is to take: tokens of this algorithm, and of no other."""
    return _OneAlgorithm(algorithm)


def knows(key_text: str, algorithm: str, kid: object) -> bool:
    """Whether a key in `key_text` is the one that `kid` names. Raises BadKey."""
    return pick(keys_of(key_text, algorithm), kid) is not None


def pick(keys: tuple[Key, ...], kid: object) -> Key | None:
    """The key that `kid` names, or the only one where it names none that is known."""
    named = [key for key in keys if kid is not None and key.kid == kid]
    if named:
        return named[0]
    if kid is not None and not (isinstance(kid, str) and _KID.fullmatch(kid)):
        return None
    if len(keys) == 1 and (kid is None or keys[0].kid is None):
        return keys[0]
    return None


def _from_json(text: str, algorithm: str) -> tuple[Key, ...]:
    try:
        value = loads_strict(text.removeprefix(BOM).encode("utf-8", "surrogatepass"))
    except BadJson as error:
        raise BadKey(error.reason) from None
    if not isinstance(value, dict) or "keys" not in value:
        return (_from_jwk(value, algorithm),)
    entries = value["keys"]
    if not isinstance(entries, list) or len(entries) > _MAX_KEYS:
        raise BadKey(f"a key set must be a list of at most {_MAX_KEYS} keys")
    # RFC 7517, section 5: a set may hold keys for other uses; they are passed over.
    keys = tuple(key for entry in entries if (key := _fitting(entry, algorithm)))
    if not keys:
        raise BadKey(f"no key of the set fits {algorithm}")
    return keys


def _fitting(entry: object, algorithm: str) -> Key | None:
    try:
        return _from_jwk(entry, algorithm)
    except BadKey:
        return None


def _from_jwk(value: object, algorithm: str) -> Key:
    kind = KEY_TYPES[algorithm]
    if not isinstance(value, dict) or value.get("kty") != kind:
        raise BadKey(f"{algorithm} needs a key of type {kind}")
    return _fit(_imported(lambda: import_key(value), "JWK"), algorithm)


def _from_pem(text: str, algorithm: str) -> Key:
    kind = KEY_TYPES[algorithm]
    # A public key is no secret: anyone who reads it could sign (algorithm confusion).
    if kind == "oct":
        raise BadKey(f"{algorithm} needs a shared secret, not a PEM key")
    key = _imported(lambda: _PEM[kind].import_key(text), f"PEM key of type {kind}")
    return _fit(key, algorithm)


def _from_secret(text: str, algorithm: str) -> Key:
    if KEY_TYPES[algorithm] != "oct":
        raise BadKey(f"{algorithm} needs a PEM key, a JWK or a JWKS")
    if text.startswith(("ssh-", "ecdsa-", "---")):
        raise BadKey("a public key cannot serve as a secret")
    return _fit(_imported(lambda: OctKey.import_key(_long(text)), "secret"), algorithm)


def _long(text: str) -> bytes:
    secret = text.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise BadKey(f"a secret needs at least {MIN_SECRET_BYTES} bytes")
    return secret


def _imported(read: Callable[[], Key], what: str) -> Key:
    try:
        with warnings.catch_warnings():
            # What the library only warns of (a weak key) is refused here.
            warnings.simplefilter("error", SecurityWarning)
            return read()
    except SecurityWarning as warning:
        raise BadKey(f"too weak: {warning}") from None
    except _UNREADABLE:
        raise BadKey(f"not a readable {what}") from None


def _fit(key: Key, algorithm: str) -> Key:
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
        key.check_key_op("verify")
    except _UNREADABLE:
        raise BadKey(f"the key does not fit {algorithm}") from None
    if isinstance(key, OctKey):
        if len(key.raw_value) < MIN_SECRET_BYTES:
            raise BadKey(f"a secret needs at least {MIN_SECRET_BYTES} bytes")
        return key
    if key.is_private:
        raise BadKey("a private key: only its public half belongs here")
    if isinstance(key, RSAKey) and key.raw_value.key_size not in _RSA_BITS:
        raise BadKey(f"an RSA key needs {_RSA_BITS.start} to {_RSA_BITS.stop - 1} bits")
    if algorithm in _CURVES and key.get("crv") not in _CURVES[algorithm]:
        raise BadKey(f"{algorithm} needs a key on {' or '.join(_CURVES[algorithm])}")
    return key
