"""LIMIT and OFFSET of a page, in a form whose plan PostgreSQL can keep.

With LIMIT as a parameter its generic plan assumes a tenth of the table; the plans for the real
values are so much cheaper that it plans each call anew, which costs more than reading the page. So
the limit is a constant, rounded up to one of a few sizes, and a first page has no OFFSET
(docs/benchmarks.md).
"""

from typing import Any, Literal, TypeVar

from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Select, literal

from koine.model.page import Window
from koine.store.core.statements import param

S = TypeVar("S", bound=Select[Any])

Size = Literal[0, 11, 21, 51, 101]
SIZES: tuple[Size, ...] = (11, 21, 51, 101)
"""Rows read for a page: its largest limit, and one more that shows whether another follows."""


class PageVariant(Struct, frozen=True):
    """What selects the statement of a page: `size` is the constant LIMIT, 0 if it is a parameter;
    `offset` is whether there is an OFFSET."""

    size: Size = 0
    offset: bool = False


def variant(window: Window) -> PageVariant:
    """The variant of the statement that reads this window of a list."""
    offset = window.offset > 0
    for size in SIZES:
        if window.limit < size:
            return PageVariant(size, offset)
    return PageVariant(0, offset)


def parameters(window: Window) -> dict[str, int]:
    """The parameters of that statement. It may return more rows than the window has."""
    return {"limit": window.limit + 1, "offset": window.offset}


def paginate(ordered: S, page: PageVariant) -> S:
    """Limit an ordered select to the window."""
    limited = ordered.limit(_size(page))
    return limited.offset(param("offset")) if page.offset else limited


def rows_to_page_end(page: PageVariant) -> ColumnElement[int]:
    """The number of rows from the start of the list to the end of the window."""
    size = _size(page)
    return size + param("offset", BigInteger) if page.offset else size


def _size(page: PageVariant) -> ColumnElement[int]:
    return literal(page.size, BigInteger) if page.size else param("limit", BigInteger)
