"""NATS credentials in the form of the tool `nsc`: an operator, one account, one user."""

import base64
import binascii
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3


class Key:
    """An NKEY of one of the kinds above."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self._key = Ed25519PrivateKey.generate()
        self.public = _encode(bytes([kind]) + self._key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        kinds = bytes([SEED | self.kind >> 5, (self.kind & 31) << 3])
        return _encode(kinds + self._key.private_bytes_raw())

    def sign_token(self, subject: "Key", kind: str) -> str:
        """A JWT signed by this key, which makes `subject` an operator, account or user."""
        claims: dict[str, object] = {
            "jti": "1",
            "iat": 1,
            "iss": self.public,
            "sub": subject.public,
            "name": kind,
        }
        claims["nats"] = {"type": kind, "version": 2, **_LIMITS.get(kind, {})}
        head = {"typ": "JWT", "alg": "ed25519-nkey"}
        text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        return f"{text}.{_base64(self._key.sign(text.encode()))}"


def credentials() -> tuple[str, str]:
    """The configuration of a server with one user, and that user's credentials file."""
    operator, account, user = Key(OPERATOR), Key(ACCOUNT), Key(USER)
    known = f"{account.public}: {operator.sign_token(account, 'account')}"
    operator_token = operator.sign_token(operator, "operator")
    config = f"operator: {operator_token}\nresolver: MEMORY\nresolver_preload: {{ {known} }}\n"
    return config, _FILE.format(account.sign_token(user, "user"), user.seed)


_ALL: dict[str, object] = {"subs": -1, "data": -1, "payload": -1}
_LIMITS: dict[str, dict[str, object]] = {
    "account": {"limits": _ALL | {"conn": -1, "imports": -1, "exports": -1, "wildcards": True}},
    "user": _ALL,
}
_FILE = """-----BEGIN NATS USER JWT-----
{}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
{}
------END USER NKEY SEED------
"""


def _encode(key: bytes) -> str:
    check = binascii.crc_hqx(key, 0).to_bytes(2, "little")
    return base64.b32encode(key + check).decode().rstrip("=")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
