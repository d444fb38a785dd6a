"""Ids, pages, times and links of requests. Raises Invalid with the client's own field name."""

from koine.kit.ids import canonical_id
from koine.kit.json import json_text
from koine.kit.times import millisecond_end, parse_iso
from koine.model.errors import Invalid
from koine.model.links import check_link
from koine.model.page import Window, page_window

MAX_LIMIT = 100
"""Items on a page; a larger `limit` is cut (D)."""


def path_id(text: str) -> str:
    """A conversation's id from the path. Raises Invalid for what is none (contracts/README.md)."""
    return parse_id("conversationId", text)


def optional_id(field: str, text: str | None) -> str | None:
    """An id from the query or the body, or None."""
    return None if text is None else parse_id(field, text)


def parse_page(page: int, limit: int) -> tuple[Window, int]:
    """The page asked for, and the limit that was granted."""
    granted = min(limit, MAX_LIMIT)
    return page_window(page, granted), granted


def timestamp_range(text: str | None) -> tuple[int | None, int | None]:
    """Start and end in µs, both inclusive, each None when empty (delivery.md, S and D).

    The end takes in its whole millisecond, because that is all a caller ever saw of a time.
    """
    if text is None:
        return None, None
    parts = text.split(",")
    if len(parts) != 2:
        raise Invalid("timestamp_range", "must be <start>,<end>")
    start, end = (_parse_time(part.strip()) for part in parts)
    if end is not None:
        end = millisecond_end(end)
    if start is not None and end is not None and start > end:
        raise Invalid("timestamp_range", "must not start after its end")
    return start, end


def content_url(text: str | None) -> str | None:
    """A link to show, never to fetch: http, https, or a file of our own. "" is none (D)."""
    check_link("content_url", text or None)
    return text or None


def json_or_none(value: dict[str, object] | None) -> str | None:
    """A JSON bag as it is kept."""
    return None if value is None else json_text(value)


def parse_id(field: str, text: str) -> str:
    """An id in the spelling the engine stores. Raises Invalid(field)."""
    found = canonical_id(text)
    if found is None:
        raise Invalid(field, "must be a UUID")
    return found


def _parse_time(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise Invalid("timestamp_range", f"is {error}") from None
