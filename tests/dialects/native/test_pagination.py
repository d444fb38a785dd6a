"""Cursors survive encoding, anything else is refused; pages of a short list are complete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.dialects.native import pagination
from koine.dialects.native.schemas import PageQuery
from koine.model.errors import Invalid
from koine.model.page import Window

POSITIONS = st.tuples(st.integers(0, pagination.MAX_TIME), st.uuids().map(str))


@given(POSITIONS)
def test_an_encoded_cursor_is_decoded(position: tuple[int, str]) -> None:
    window = pagination.parse_window(PageQuery(cursor=pagination.encode_cursor(position), limit=7))
    assert window == Window(limit=7, cursor=position)


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        pagination.parse_window(PageQuery(cursor=text))


def test_the_end_of_a_list_has_no_cursor() -> None:
    assert pagination.encode_cursor(None) is None


@given(st.lists(POSITIONS, unique=True, max_size=30), st.integers(1, 5))
def test_the_pages_of_a_short_list_are_complete(
    positions: list[tuple[int, str]], size: int
) -> None:
    found: list[tuple[int, str]] = []
    window: Window | None = Window(size)
    while window is not None:
        page = pagination.slice_page(positions, window, lambda each: each)
        found += page.items
        window = Window(size, cursor=page.next) if page.next else None
    assert found == sorted(positions)
