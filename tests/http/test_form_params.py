import pytest

from koine.http.form_params import parse_nested
from koine.model.errors import Malformed


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        ([("a", "1")], {"a": "1"}),
        ([("a", "1"), ("a", "2")], {"a": ["1", "2"]}),
        ([("a[]", "1")], {"a": ["1"]}),
        ([("a[]", "1"), ("a[]", "2")], {"a": ["1", "2"]}),
        ([("a[b]", "1"), ("a[c]", "2")], {"a": {"b": "1", "c": "2"}}),
        ([("a[][b]", "1"), ("a[][c]", "2")], {"a": [{"b": "1", "c": "2"}]}),
        ([("a[][b]", "1"), ("a[][b]", "2")], {"a": [{"b": "1"}, {"b": "2"}]}),
        ([("[odd", "1"), ("a]", "2"), ("", "3")], {"[odd": "1", "a]": "2", "": "3"}),
    ],
)
def test_names_make_objects_and_lists(pairs: list[tuple[str, str]], value: object) -> None:
    assert parse_nested(pairs) == value


@pytest.mark.parametrize("second", ["a", "a[]", "a[][b]"])
def test_names_may_not_contradict_each_other(second: str) -> None:
    with pytest.raises(Malformed):
        parse_nested([("a[b]", "1"), (second, "2")])
