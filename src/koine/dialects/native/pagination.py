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
    """What has an id and a time it was made, µs."""

    @property
    def id(self) -> str: ...

    @property
    def created_at(self) -> int: ...


def parse_window(query: PageQuery) -> Window:
    """The part of the list a query asks for. Raises BadQuery("cursor")."""
    cursor = None if query.cursor is None else _decode_cursor(query.cursor)
    return Window(limit=query.limit, cursor=cursor)


def render_page(
    answer: Callable[[list[S], str | None], L], page: Page[T], shape: Callable[[T], S]
) -> L:
    """A page as the wire shows it: each item in its shape, and the cursor of the next page."""
    return answer([shape(each) for each in page.items], encode_cursor(page.next))


def encode_cursor(place: Cursor | None) -> str | None:
    """The cursor of a place in a list; None at its end."""
    if place is None:
        return None
    return urlsafe_b64encode(f"{place[0]}.{place[1]}".encode()).decode().rstrip("=")


def creation_key(thing: Created) -> Cursor:
    """The place of a thing in a list that is ordered by when things were made."""
    return thing.created_at, thing.id


def slice_page(items: Iterable[T], asked: Window, place: Callable[[T], Cursor]) -> Page[T]:
    """A page of a list that is short enough to be read whole, in the order of its places."""
    ordered = sorted(items, key=place)
    if asked.cursor is not None:
        ordered = [each for each in ordered if place(each) > asked.cursor]
    found = ordered[: asked.limit]
    more = len(ordered) > asked.limit
    return Page(items=found, next=place(found[-1]) if more else None)


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
