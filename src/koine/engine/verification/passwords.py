"""Passwords as argon2id hashes. Both functions keep a core busy: call them in a thread."""

from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""RFC 9106's second choice: 3 passes over 64 MiB in 4 lanes."""

DUMMY_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$+ckKEUyYucfIT3gi8ZPH/w$"
    "pVCLmq6Lik+s0LPacTxawbRBej//vkkdNfpDqJHFkQc"
)
"""The hash of a password no one knows. Verify against it when there is no such user, so that a
login takes as long as for one who exists."""


def hash_password(text: str) -> str:
    """The argon2id hash of `text` with its parameters and a fresh salt, in PHC form."""
    return HASHER.hash(_bytes(text))


def verify_password(hashed: str, text: str) -> bool:
    """Whether `hashed` was made of `text`; False also when it is no hash at all."""
    try:
        return HASHER.verify(_bytes(hashed), _bytes(text))
    except (VerificationError, InvalidHashError):
        return False


def is_affordable(hashed: str) -> bool:
    """Whether verifying a password against this hash, which somebody else made, takes no more than
    a few times the work of `hash_password`; False also when it is no hash at all."""
    try:
        found = extract_parameters(hashed)
    except InvalidHashError:
        return False
    cost, most = found.time_cost * found.memory_cost, HASHER.time_cost * HASHER.memory_cost
    return cost <= 4 * most and found.memory_cost <= 4 * HASHER.memory_cost


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
