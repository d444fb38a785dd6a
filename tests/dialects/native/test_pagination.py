"""Cursors: what is written is read again, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.dialects.native import pagination
from koine.dialects.native.schemas import PageQuery
from koine.model.errors import Invalid
from koine.model.page import Window

POSITIONS = st.tuples(st.integers(0, pagination.MAX_TIME), st.uuids().map(str))


@given(POSITIONS)
def test_what_is_written_is_read_again(place: tuple[int, str]) -> None:
    window = pagination.parse_window(PageQuery(cursor=pagination.encode_cursor(place), limit=7))
    assert window == Window(limit=7, cursor=place)


@given(st.text(max_size=80))
def test_nothing_else_is_read(text: str) -> None:
    with pytest.raises(Invalid):
        pagination.parse_window(PageQuery(cursor=text))


def test_the_end_of_a_list_has_no_cursor() -> None:
    assert pagination.encode_cursor(None) is None


@given(st.lists(POSITIONS, unique=True, max_size=30), st.integers(1, 5))
def test_pages_of_a_short_list_leave_nothing_out(places: list[tuple[int, str]], size: int) -> None:
    found: list[tuple[int, str]] = []
    window: Window | None = Window(size)
    while window is not None:
        page = pagination.slice_page(places, window, lambda each: each)
        found += page.items
        window = Window(size, cursor=page.next) if page.next else None
    assert found == sorted(places)
