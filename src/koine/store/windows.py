"""How a page is cut out of a list, so that a database may keep the plan of its statement.

With the limit as a parameter PostgreSQL guesses that a tenth of the table is asked for, sees at
each call that it is wrong, and plans anew, which costs more than the page. So the limit is written
into the text, rounded up to one of a few sizes, and a first page has no OFFSET
(docs/benchmarks.md).
"""

from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, literal

from koine.model.page import Window
from koine.store.sql import p

S = TypeVar("S", bound=Select[Any])

SIZES = (11, 21, 51, 101)
"""Rows that are read for a page, one more than its largest limit."""
NAMES = (*(f"size={size}" for size in SIZES), "offset")
"""The names of `names`, for a Family's `filters`."""


def names(window: Window) -> frozenset[str]:
    """What chooses the statement that cuts this window out of a list."""
    sizes = [f"size={size}" for size in SIZES if window.limit < size][:1]
    return frozenset(sizes + (["offset"] if window.offset else []))


def values(window: Window) -> dict[str, int]:
    """The parameters of that statement. It may find more rows than are asked for."""
    return {"limit": window.limit + 1, "offset": window.offset}


def cut(walk: S, named: frozenset[str]) -> S:
    """The rows of the window, out of an ordered select."""
    cut_off = walk.limit(_size(named))
    return cut_off.offset(p("offset")) if "offset" in named else cut_off


def reach(named: frozenset[str]) -> ColumnElement[int]:
    """How many rows of a list lie before the window's end."""
    size = _size(named)
    return size + p("offset", BigInteger) if "offset" in named else size


def _size(named: frozenset[str]) -> ColumnElement[int]:
    given = next((size for size in SIZES if f"size={size}" in named), None)
    return p("limit", BigInteger) if given is None else literal(given, BigInteger)
