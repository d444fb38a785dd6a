"""Digests of members: what is missing, too much or changed is named."""

import pytest

from koine.kit.digests import Digest, difference, digest_of

A, B = digest_of(b"a"), digest_of(b"b")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"x": A, "y": B}, ""),
        ({"x": A}, "y is missing"),
        ({"x": A, "y": B, "z": A}, "z is not in the manifest"),
        ({"x": A, "y": A}, "y was changed or damaged: its digest differs"),
        ({"x": A, "y": Digest(2, B.sha256)}, "y was changed or damaged: its digest differs"),
    ],
)
def test_what_differs_is_named(found: dict[str, Digest], reason: str) -> None:
    assert difference({"x": A, "y": B}, found) == reason
