"""Ids in requests."""

import pytest

from koine.kit.ids import new_id
from koine.model.errors import Invalid
from koine.model.ids import parse_id


def test_an_id_is_parsed_in_any_case() -> None:
    name = new_id()
    assert parse_id("x", name.upper()) == name


def test_another_text_is_refused_with_its_field() -> None:
    with pytest.raises(Invalid) as caught:
        parse_id("inbox_id", "x")
    assert caught.value.field == "inbox_id"
