"""Pages of a list by keyset cursors, which are opaque to the client."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from koine.dialects.native.schemas import PageQuery
from koine.http.query import BadQuery
from koine.kit.ids import canonical_id
from koine.model.page import Page, Window

MAX_TIME = 2**62
Cursor = tuple[int, str]

T = TypeVar("T")
S = TypeVar("S")
L = TypeVar("L")


class Created(Protocol):
    """Something with an id and the time of its creation in µs."""

    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> int: ...


def parse_window(query: PageQuery) -> Window:
    """The window of the list that a query asks for. Raises BadQuery("cursor")."""
    cursor = None if query.cursor is None else _decode_cursor(query.cursor)
    return Window(limit=query.limit, cursor=cursor)


def render_page(
    build: Callable[[list[S], str | None], L], page: Page[T], render: Callable[[T], S]
) -> L:
    """A page of the engine as a page of the API: its items rendered, and the cursor of the next."""
    return build([render(each) for each in page.items], encode_cursor(page.next))


def encode_cursor(position: Cursor | None) -> str | None:
    """A position in a list as a cursor; None, for the end of the list, as None."""
    if position is None:
        return None
    return urlsafe_b64encode(f"{position[0]}.{position[1]}".encode()).decode().rstrip("=")


def creation_position(item: Created) -> Cursor:
    """The position of something in a list ordered by time of creation."""
    return item.created_at, item.id


def slice_page(items: Iterable[T], window: Window, position: Callable[[T], Cursor]) -> Page[T]:
    """A page of a list that is short enough to be read whole, sorted by `position`."""
    ordered = sorted(items, key=position)
    if window.cursor is not None:
        ordered = [each for each in ordered if position(each) > window.cursor]
    found = ordered[: window.limit]
    more = len(ordered) > window.limit
    return Page(items=found, next=position(found[-1]) if more else None)


def _decode_cursor(text: str) -> Cursor:
    try:
        at, _, name = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(".")
    except ValueError:
        raise _unknown_cursor() from None
    known = canonical_id(name)
    if known is None or not (at.isascii() and at.isdigit()) or len(at) > 19 or int(at) > MAX_TIME:
        raise _unknown_cursor()
    return int(at), known


def _unknown_cursor() -> BadQuery:
    return BadQuery("cursor", "is not one this server made")
