"""Ids, times and objects of request bodies."""

import msgspec
import pytest

from koine.dialects.native import fields
from koine.dialects.native.conversations.schemas import ChangeConversation
from koine.kit.ids import new_id
from koine.model.errors import Invalid


@pytest.mark.parametrize(
    "text",
    ["", "x", "{" + new_id() + "}", new_id().replace("-", "")],
    ids=["empty", "not_hex", "braces", "no_hyphens"],
)
def test_an_invalid_id_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        fields.parse_ids("inbox_id", [text])
    assert caught.value.field == "inbox_id"


@pytest.mark.parametrize("text", ["", "2026-11-20", "now", "2026-13-01T00:00:00Z"])
def test_an_invalid_time_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        fields.parse_time("from", text)
    assert caught.value.field == "from"


def test_only_fields_of_the_body_are_provided() -> None:
    body = msgspec.convert({"metadata": None, "labels": ["a"]}, ChangeConversation)
    assert fields.provided_fields(body, objects=("metadata", "labels")) == {
        "metadata": None,
        "labels": '["a"]',
    }


def test_ids_among_the_fields_are_checked() -> None:
    body = msgspec.convert({"assignee_id": "x"}, ChangeConversation)
    with pytest.raises(Invalid):
        fields.provided_fields(body, ids=("assignee_id",))
