"""Pages of a list: by number where a contract says so, by cursor where lists may be long."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MAX_OFFSET = 1_000_000
"""Rows that a numbered page may skip; pages beyond are empty. Cursors have no such limit."""


class Window(Struct, frozen=True):
    """A part of a list: `limit` items after `offset`, or after `cursor` (sort value in µs, id) if
    there is one.
    """

    limit: int
    offset: int = 0
    cursor: tuple[int, str] | None = None

    @property
    def too_deep(self) -> bool:
        """Whether it skips more than a numbered page may: such a page is empty."""
        return self.offset >= MAX_OFFSET


class Page(Struct, Generic[T], frozen=True):
    """Some items, the total (None where it was not counted), and the cursor of the next page (None
    at the end).
    """

    items: list[T]
    total: int | None = None
    next: tuple[int, str] | None = None


def page_window(page: int, limit: int) -> Window:
    """The window of page `page` (from 1) of `limit` items."""
    return Window(limit=limit, offset=min((page - 1) * limit, MAX_OFFSET))
