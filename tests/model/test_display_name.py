"""The name by which a person is shown."""

import pytest
from msgspec import Struct

from koine.model.display_name import display_name


class Person(Struct):
    name: str | None
    first_name: str | None
    last_name: str | None


@pytest.mark.parametrize(
    ("name", "first", "last", "shown"),
    [
        ("Ana S.", "Ana", "Silva", "Ana S."), (None, "Ana", "Silva", "Ana Silva"),
        (None, "Ana", None, "Ana"), (None, None, "Silva", "Silva"), ("", " Ana ", "", "Ana"),
        ("  ", "Ana", "Silva", "Ana Silva"), (None, None, None, None), ("", " ", "", None),
    ],
)  # fmt: skip
def test_a_name_or_else_first_and_last(
    name: str | None, first: str | None, last: str | None, shown: str | None
) -> None:
    assert display_name(Person(name, first, last)) == shown
