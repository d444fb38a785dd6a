"""Ids, times and bags as they come in."""

import msgspec
import pytest

from koine.dialects.native import fields
from koine.dialects.native.conversations.schemas import ChangeConversation
from koine.kit.ids import new_id
from koine.model.errors import Invalid


def test_an_id_is_read_in_any_case() -> None:
    name = new_id()
    assert fields.parse_id("x", name.upper()) == name


@pytest.mark.parametrize(
    "text",
    ["", "x", "{" + new_id() + "}", new_id().replace("-", "")],
    ids=["empty", "letter", "braces", "bare"],
)
def test_what_is_no_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        fields.parse_ids("inbox_id", [text])
    assert caught.value.field == "inbox_id"


@pytest.mark.parametrize("text", ["", "2026-11-20", "now", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        fields.parse_time("from", text)
    assert caught.value.field == "from"


def test_only_what_was_given_is_changed() -> None:
    body = msgspec.convert({"metadata": None, "labels": ["a"]}, ChangeConversation)
    assert fields.provided_fields(body, objects=("metadata", "labels")) == {
        "metadata": None,
        "labels": '["a"]',
    }


def test_an_id_among_the_changes_is_checked() -> None:
    body = msgspec.convert({"assignee_id": "x"}, ChangeConversation)
    with pytest.raises(Invalid):
        fields.provided_fields(body, ids=("assignee_id",))
