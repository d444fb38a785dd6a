import uuid

import pytest

from koine.kit.ids import canonical_id, is_id, new_id


def test_a_new_id_is_a_canonical_uuid7() -> None:
    created = new_id()
    assert uuid.UUID(created).version == 7
    assert canonical_id(created) == created


def test_new_ids_grow() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(set(ids))


def test_any_case_and_version_is_an_id() -> None:
    text = str(uuid.uuid4())
    assert is_id(text)
    assert canonical_id(text.upper()) == text


FIXED = "5b0e6c1e-3a4f-4f6e-9a51-2f1a7c9d8e01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        FIXED.replace("-", ""),
        f"{{{FIXED}}}",
        f"urn:uuid:{FIXED}",
        f"{FIXED}\n",
        f" {FIXED}",
        FIXED.replace("-", "_"),
        "g" * 8 + FIXED[8:],
        "٣" * 8 + FIXED[8:],
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_id(text)
    assert canonical_id(text) is None
