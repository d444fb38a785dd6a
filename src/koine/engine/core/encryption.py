"""Bytes kept so that only who shows their secret again can read them (AES-256-GCM)."""

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from koine.kit.lazy_import import LazyModule

if TYPE_CHECKING:
    from cryptography import exceptions
    from cryptography.hazmat.primitives.ciphers import aead
else:
    exceptions = LazyModule("cryptography.exceptions")
    aead = LazyModule("cryptography.hazmat.primitives.ciphers.aead")

_NONCE: Final = 12


class SecretCipher:
    """Seals and opens under one secret, a text with at least 128 random bits to be worth it."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"sealed\0" + secret.encode()).digest()

    def encrypt(self, plain: bytes) -> bytes:
        """`plain`, unreadable without the secret; another text each time."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, plain, None)

    def decrypt(self, sealed: bytes) -> bytes:
        """What `seal` was given. Raises ValueError for another secret's or a changed text."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (exceptions.InvalidTag, ValueError):
            raise ValueError("sealed under another secret") from None

    def _cipher(self) -> "aead.AESGCM":
        return aead.AESGCM(self._key)
