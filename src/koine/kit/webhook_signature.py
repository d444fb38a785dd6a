"""Signatures of Standard Webhooks: the receiver can verify the sender and the time."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

PREFIX = "whsec_"
_KEY_BYTES = 32
_GIVEN_KEY_BYTES = range(24, 65)


def new_secret() -> str:
    """A new secret: `whsec_` and 256 random bits in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text is `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks requires."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and len(key) in _GIVEN_KEY_BYTES


def decode_secret(secret: str) -> bytes:
    """The key of a secret: what follows `whsec_`, decoded; of another text its bytes."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def headers(
    secret_texts: Sequence[str], message_id: str, now_s: int, body: bytes
) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` (s) and `webhook-signature`: one for each secret, so that
    a receiver that knows any of them believes it."""
    signed = f"{message_id}.{now_s}.".encode() + body
    made = (hmac.digest(decode_secret(secret), signed, sha256) for secret in secret_texts)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made),
    }
