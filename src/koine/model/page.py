"""Pages of a list: by number where the wire says so, by cursor where lists may be deep."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

MAX_OFFSET = 1_000_000
"""Rows a numbered page may skip; beyond it a list answers empty. Cursors have no such bound."""


class Window(Struct, frozen=True):
    """Which part of a list is asked for: `limit` items after `offset`, or after `cursor`
    (sort value in µs, id) when one is given.
    """

    limit: int
    offset: int = 0
    cursor: tuple[int, str] | None = None

    @property
    def too_deep(self) -> bool:
        """Whether it skips more than a numbered page may: such a page is empty."""
        return self.offset >= MAX_OFFSET


class Page(Struct, Generic[T], frozen=True):
    """Some items, how many there are in all (None where the list does not say), and where the
    next page starts (None at the end).
    """

    items: list[T]
    total: int | None = None
    next: tuple[int, str] | None = None


def page_window(page: int, limit: int) -> Window:
    """The window of page `page` (from 1) of `limit` items."""
    return Window(limit=limit, offset=min((page - 1) * limit, MAX_OFFSET))
