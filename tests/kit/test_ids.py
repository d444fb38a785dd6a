import uuid

import pytest

from koine.kit.ids import canonical, is_id, new_id


def test_a_new_id_is_a_canonical_uuid7() -> None:
    made = new_id()
    assert uuid.UUID(made).version == 7
    assert canonical(made) == made


def test_new_ids_grow() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_any_case_and_version_is_an_id() -> None:
    text = str(uuid.uuid4())
    assert is_id(text)
    assert canonical(text.upper()) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        uuid.uuid4().hex,
        f"{{{uuid.uuid4()}}}",
        f"urn:uuid:{uuid.uuid4()}",
        f"{uuid.uuid4()}\n",
        f" {uuid.uuid4()}",
        str(uuid.uuid4()).replace("-", "_"),
        "g" * 8 + str(uuid.uuid4())[8:],
        "٣" * 8 + str(uuid.uuid4())[8:],
    ],
)
def test_nothing_else_is_an_id(text: str) -> None:
    assert not is_id(text)
    assert canonical(text) is None
