"""Random secrets: API keys, tokens, digests, signatures, and comparison in constant time."""

import base64
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field

MIN_SECRET_BYTES = 32
"""Bytes, at least, of a secret that signs tokens."""

_STAMPED_BYTES = 32
_STAMPED = 43
"""Characters of 32 bytes in base64."""
_BASE62 = string.ascii_letters + string.digits
_API_KEY = re.compile(r"(sk_(?:live|test)_[A-Za-z0-9]{8})[A-Za-z0-9]{43}")


@dataclass(frozen=True)
class ApiKeySecret:
    """A new API key. `text` is shown once and never stored; the other two are stored."""

    text: str = field(repr=False)
    prefix: str
    """The first 16 characters, by which the key is looked up and displayed."""
    digest: str
    """SHA-256 of the whole text, hex."""


class StatelessSecrets:
    """Random secrets with a signature, so that they can be verified without being stored."""

    def __init__(self, secret: str, older: Sequence[str] = ()) -> None:
        """`secret` is the server's key; who knows it can issue secrets. Those that one of the
        `older` keys signed are valid, too."""
        self._keys = [
            hashlib.sha256(b"stamp\0" + each.encode()).hexdigest() for each in (secret, *older)
        ]

    def issue(self, about: str) -> str:
        """A new secret that is valid for `about` alone: 256 random bits, then the signature."""
        text = secrets.token_urlsafe(_STAMPED_BYTES)
        return text + _stamp(self._keys[0], about, text)

    def verify(self, about: str, text: str) -> bool:
        """Whether `issue` once returned this text for the same `about`."""
        return len(text) == 2 * _STAMPED and any(
            constant_time_equal(text[_STAMPED:], _stamp(key, about, text[:_STAMPED]))
            for key in self._keys
        )


def random_token(nbytes: int = 24) -> str:
    """`nbytes` random bytes as URL-safe text without padding."""
    return secrets.token_urlsafe(nbytes)


def new_api_key(live: bool = True) -> ApiKeySecret:
    """A new `sk_live_…` (or `sk_test_…`) key (helpdesk.md, F): 8 characters to find it by, then
    43 of secret (256 bits)."""
    prefix = ("sk_live_" if live else "sk_test_") + _base62(8)
    text = prefix + _base62(43)
    return ApiKeySecret(text, prefix, sha256_hex(text))


def api_key_prefix(text: str) -> str | None:
    """The lookup prefix of a text shaped like an API key, or None when it is not shaped so."""
    found = _API_KEY.fullmatch(text)
    return found[1] if found else None


def sha256_hex(text: str) -> str:
    """SHA-256 of `text`, hex. For random secrets only: passwords need a slow hash."""
    return hashlib.sha256(_bytes(text)).hexdigest()


def constant_time_equal(a: str, b: str) -> bool:
    """Whether the two are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(_bytes(a), _bytes(b))


def hmac_hex(secret: str, text: str | bytes) -> str:
    """HMAC-SHA256 of `text` under `secret`, hex."""
    return hmac.new(_bytes(secret), _bytes(text), hashlib.sha256).hexdigest()


def unbase64(text: str) -> bytes:
    """The bytes of unpadded URL-safe base64. Raises ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _stamp(key: str, about: str, text: str) -> str:
    stamp = hmac.new(key.encode(), _bytes(f"{about}.{text}"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(stamp).decode().rstrip("=")


def _base62(length: int) -> str:
    return "".join(secrets.choice(_BASE62) for _ in range(length))


def _bytes(text: str | bytes) -> bytes:
    # A lone surrogate makes the token wrong, and must not raise.
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
