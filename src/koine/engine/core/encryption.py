"""Encryption of stored bytes with a secret that is not stored with them (AES-256-GCM)."""

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
    """Encrypts and decrypts with one secret, which should have at least 128 random bits."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"sealed\0" + secret.encode()).digest()

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt `plain`; the result differs each time, as the nonce is random."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher().encrypt(nonce, plain, None)

    def decrypt(self, sealed: bytes) -> bytes:
        """The plain bytes. Raises ValueError if they were encrypted with another secret or
        changed."""
        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (exceptions.InvalidTag, ValueError):
            raise ValueError("encrypted with another secret") from None

    def _cipher(self) -> "aead.AESGCM":
        return aead.AESGCM(self._key)
