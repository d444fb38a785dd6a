"""How a page is cut out of a list, so that a database may keep the plan of its statement.

With the limit as a parameter PostgreSQL guesses that a tenth of the table is asked for, sees at
each call that it is wrong, and plans anew, which costs more than the page. So the limit is written
into the text, rounded up to one of a few sizes, and a first page has no OFFSET
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
"""Rows that are read for a page, one more than its largest limit."""


class PageVariant(Struct, frozen=True):
    """What the statement of a page is chosen by: `size` is the limit in its text, 0 where the limit
    is a parameter; `offset` is whether rows are skipped."""

    size: Size = 0
    offset: bool = False


def variant(window: Window) -> PageVariant:
    """What chooses the statement that cuts this window out of a list."""
    offset = window.offset > 0
    for size in SIZES:
        if window.limit < size:
            return PageVariant(size, offset)
    return PageVariant(0, offset)


def parameters(window: Window) -> dict[str, int]:
    """The parameters of that statement. It may find more rows than are asked for."""
    return {"limit": window.limit + 1, "offset": window.offset}


def paginate(walk: S, page: PageVariant) -> S:
    """The rows of the window, out of an ordered select."""
    cut_off = walk.limit(_size(page))
    return cut_off.offset(param("offset")) if page.offset else cut_off


def rows_to_page_end(page: PageVariant) -> ColumnElement[int]:
    """How many rows of a list lie before the window's end."""
    size = _size(page)
    return size + param("offset", BigInteger) if page.offset else size


def _size(page: PageVariant) -> ColumnElement[int]:
    return literal(page.size, BigInteger) if page.size else param("limit", BigInteger)
