"""Attributes: limits are checked first, merges stay within them, and old ones are cut to them."""

from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.engine.core import attributes
from koine.engine.core.attributes import ATTRIBUTES
from koine.model.errors import Invalid

LONG = st.integers(0, 9000).map("x".__mul__)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=9) | LONG,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
BAGS = st.dictionaries(st.text(max_size=3), VALUES, max_size=6)


def text(bag: object) -> str:
    return msgspec.json.encode(bag).decode()


def nested(depth: int) -> dict[str, object]:
    bag: dict[str, object] = {}
    for _ in range(depth - 1):
        bag = {"a": bag}
    return bag


TOO_LARGE = [
    {str(n): 1 for n in range(ATTRIBUTES.values + 1)},
    {"a": [[]] * ATTRIBUTES.values},
    {"a": "x" * ATTRIBUTES.bytes},
    {"a": "é" * (ATTRIBUTES.bytes // 2)},
    nested(ATTRIBUTES.depth + 1),
]


@pytest.mark.parametrize("bag", TOO_LARGE, ids=["names", "items", "bytes", "utf8", "depth"])
def test_attributes_beyond_a_limit_are_refused_decoded_or_not(bag: dict[str, object]) -> None:
    for check in (
        lambda: attributes.check("metadata", text(bag)),
        lambda: attributes.check_values("metadata", bag),
        lambda: attributes.merged("metadata", "{}", bag),
    ):
        with pytest.raises(Invalid) as refused:
            check()
        assert (refused.value.field, refused.value.reason) == ("metadata", "too_large")


def test_attributes_at_the_limits_are_accepted() -> None:
    full = {str(n): 1 for n in range(ATTRIBUTES.values)}
    for bag in (full, nested(ATTRIBUTES.depth), {"a": "x" * (ATTRIBUTES.bytes - len('{"a":""}'))}):
        attributes.check("metadata", text(bag))
        attributes.check_values("metadata", bag)


class Counted(dict[str, object]):
    """Attributes that must not be iterated."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("walked")

    values = items = __iter__  # type: ignore[assignment]  # none of them is to be called


def test_too_many_values_are_refused_before_any_is_read() -> None:
    bag = Counted({str(n): "x" * 1501 for n in range(2000)})
    with pytest.raises(Invalid, match="too many values"):
        attributes.merged("custom_attributes", "{}", bag)


@given(BAGS)
def test_both_checks_agree(bag: dict[str, object]) -> None:
    assert refused(lambda: attributes.check("f", text(bag))) == refused(
        lambda: attributes.check_values("f", bag)
    )


@given(st.lists(BAGS, max_size=8))
def test_no_sequence_of_merges_passes_a_limit(bags: list[dict[str, object]]) -> None:
    bag = other = "{}"
    for each in bags:
        before = bag
        if not refused(lambda: attributes.merged("f", before, each)):  # noqa: B023  # called at once
            bag = text(attributes.merged("f", bag, each))
        other = text(attributes.filled(other, text(each)))
        attributes.check("f", bag)
        attributes.check("f", other)


@given(BAGS, st.integers(0, 40))
def test_stored_attributes_over_the_limits_are_shown_in_part(
    bag: dict[str, object], blown: int
) -> None:
    old = bag | {f"old {n}": "x" * 1000 for n in range(blown)}
    shown = msgspec.json.decode(attributes.public_attributes(text(old)), type=dict[str, object])
    assert all(old[name] == value for name, value in shown.items())
    assert len(text(shown)) <= ATTRIBUTES.bytes
    assert (shown == old) is (len(text(old)) <= ATTRIBUTES.bytes)
    assert attributes.only_named(text(old), old) == shown


def test_newer_attributes_win_within_objects_too() -> None:
    assert attributes.merged("f", '{"a":{"b":1},"c":1}', {"a": {"d": 2}, "c": {"e": 1}}) == {
        "a": {"b": 1, "d": 2}, "c": {"e": 1},
    }  # fmt: skip


def test_missing_attributes_are_not_added_beyond_the_limit() -> None:
    full = {"own": "x" * (ATTRIBUTES.bytes - 100)}
    assert attributes.filled(text(full), text({"other": "y" * 200})) == full
    assert attributes.filled(text(full), text({"own": 1, "other": 2})) == full | {"other": 2}


def refused(check: Callable[[], object]) -> bool:
    try:
        check()
    except Invalid:
        return True
    return False
