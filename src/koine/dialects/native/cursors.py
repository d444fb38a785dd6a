"""Keyset cursors: where a list goes on, opaque to the client."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import TypeVar

from koine.dialects.native.wire import PageQuery
from koine.http.query import BadQuery
from koine.kit.ids import canonical
from koine.model.page import Page, Window

LATEST = 2**62
Cursor = tuple[int, str]


T = TypeVar("T")


def window(query: PageQuery) -> Window:
    """The part of the list a query asks for. Raises BadQuery("cursor")."""
    cursor = None if query.cursor is None else _read(query.cursor)
    return Window(limit=query.limit, cursor=cursor)


def written(place: Cursor | None) -> str | None:
    """The cursor of a place in a list; None at its end."""
    if place is None:
        return None
    return urlsafe_b64encode(f"{place[0]}.{place[1]}".encode()).decode().rstrip("=")


def cut(items: Iterable[T], asked: Window, place: Callable[[T], Cursor]) -> Page[T]:
    """A page of a list that is short enough to be read whole, in the order of its places."""
    ordered = sorted(items, key=place)
    if asked.cursor is not None:
        ordered = [each for each in ordered if place(each) > asked.cursor]
    found = ordered[: asked.limit]
    more = len(ordered) > asked.limit
    return Page(items=found, next=place(found[-1]) if more else None)


def _read(text: str) -> Cursor:
    try:
        at, _, name = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(".")
    except ValueError:
        raise _unknown() from None
    known = canonical(name)
    if known is None or not (at.isascii() and at.isdigit()) or len(at) > 19 or int(at) > LATEST:
        raise _unknown()
    return int(at), known


def _unknown() -> BadQuery:
    return BadQuery("cursor", "is not one this server made")
