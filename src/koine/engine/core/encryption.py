"""Encryption of stored bytes with secrets that are not stored with them (AES-256-GCM)."""

import hashlib
import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from koine.kit.lazy_import import LazyModule

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = LazyModule("cryptography.exceptions")
    aead = LazyModule("cryptography.hazmat.primitives.ciphers.aead")

_NONCE: Final = 12
_MARK: Final = b"KEY1"
"""What a sealed value begins with that names its key. The nonce, which an older one begins with, is
the same by chance once in four billion values; then every key is tried."""
_ID: Final = 4
_HEADER: Final = len(_MARK) + _ID


class SecretCipher:
    """Encrypts and decrypts with one secret, which should have at least 128 random bits."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"sealed\0" + secret.encode()).digest()

    def encrypt(self, plain: bytes, header: bytes = b"") -> bytes:
        """Encrypt `plain`; the result differs each time, as the nonce is random. `header`, which
        is not part of the result, is authenticated with it."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, header or None)

    def decrypt(self, sealed: bytes, header: bytes = b"") -> bytes:
        """The plain bytes. Raises ValueError if they were encrypted with another secret or
        `header`, or changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], header or None)
        except (exceptions.InvalidTag, ValueError):
            raise ValueError("encrypted with another secret") from None

    @cached_property
    def _cipher(self) -> "aead.AESGCM":
        return aead.AESGCM(self._key)


class SealingKeys:
    """Several secrets, the newest first: the newest encrypts, every one decrypts.

    A sealed value is `_MARK`, the key's identifier (4 bytes), the nonce and the ciphertext. One
    without the first two is of an older Koine: it is decrypted by trying each key.
    """

    def __init__(self, secrets_: Sequence[str]) -> None:
        """`secrets_` has at least one, and none twice."""
        self._ciphers = {key_id(each): SecretCipher(each) for each in secrets_}
        self.ids = tuple(self._ciphers)
        self._newest = _MARK + bytes.fromhex(self.ids[0])

    def __repr__(self) -> str:
        return f"SealingKeys({', '.join(self.ids)})"

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt with the newest key; the result names it."""
        return self._newest + self._ciphers[self.ids[0]].encrypt(plain, self._newest)

    def decrypt(self, sealed: bytes) -> bytes:
        """The plain bytes. Raises ValueError if no key opens them."""
        return self._opened(sealed)[1]

    def opening_key(self, sealed: bytes) -> str | None:
        """The identifier of the key that opens the value; None if none does."""
        try:
            return self._opened(sealed)[0]
        except ValueError:
            return None

    def is_newest(self, sealed: bytes) -> bool:
        """Whether the value says that it was encrypted with the newest key."""
        return sealed.startswith(self._newest)

    def _opened(self, sealed: bytes) -> tuple[str, bytes]:
        named = self._ciphers.get(named_key(sealed) or "")
        if named is not None:
            try:
                plain = named.decrypt(sealed[_HEADER:], sealed[:_HEADER])
            except ValueError:
                pass
            else:
                return sealed[len(_MARK) : _HEADER].hex(), plain
        for id_, cipher in self._ciphers.items():
            try:
                return id_, cipher.decrypt(sealed)
            except ValueError:
                continue
        raise ValueError("encrypted with another secret")


def key_id(secret: str) -> str:
    """The key identifier, 8 hexadecimal digits, which names the key and does not reveal it."""
    return hashlib.sha256(b"key id\0" + secret.encode()).digest()[:_ID].hex()


def named_key(sealed: bytes) -> str | None:
    """The identifier of the key that a sealed value names; None for one of an older Koine."""
    return sealed[len(_MARK) : _HEADER].hex() if sealed.startswith(_MARK) else None
