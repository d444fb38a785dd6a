"""Digests of the members of an archive or a backup, by which it is verified."""

import hashlib
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct


class Digest(Struct, frozen=True):
    """The size of a member in bytes, and its SHA-256 in hex."""

    size: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


def digest_of(data: bytes) -> Digest:
    """The digest of the bytes of a member."""
    return Digest(len(data), hashlib.sha256(data).hexdigest())


def difference(expected: Mapping[str, Digest], found: Mapping[str, Digest]) -> str:
    """What is wrong with the first member that is not as the manifest says, "" if each is. Both are
    by the names of the members."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} is not in the manifest"
        if expected[name] != found[name]:
            return f"{name} was changed or damaged: its digest differs"
    return ""
