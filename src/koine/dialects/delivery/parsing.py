"""Ids, pages, times and links of requests. Raises Invalid with the client's own field name."""

from koine.kit.json import json_text
from koine.kit.times import millisecond_end, parse_iso
from koine.model.errors import Invalid
from koine.model.ids import parse_id
from koine.model.links import check_link
from koine.model.page import Window, page_window

MAX_LIMIT = 100
"""The most items on a page; a larger `limit` is lowered to it (D)."""


def path_id(text: str) -> str:
    """A conversation's id from the path. Raises Invalid if it is no UUID (contracts/README.md)."""
    return parse_id("conversationId", text)


def optional_id(field: str, text: str | None) -> str | None:
    """An id from the query or the body, or None."""
    return None if text is None else parse_id(field, text)


def parse_page(page: int, limit: int) -> tuple[Window, int]:
    """The requested page, and its limit after lowering it to MAX_LIMIT."""
    lowered = min(limit, MAX_LIMIT)
    return page_window(page, lowered), lowered


def timestamp_range(text: str | None) -> tuple[int | None, int | None]:
    """Start and end in µs, both inclusive, each None when empty (delivery.md, S and D).

    The end includes its whole millisecond: responses cut times to milliseconds, and an end copied
    from a message must include that message.
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
    """A link that is stored and never fetched: http, https, or an upload of this server; None for
    "" (D). Raises Invalid."""
    check_link("content_url", text or None)
    return text or None


def optional_json(value: dict[str, object] | None) -> str | None:
    """A JSON object as the text that is stored, or None."""
    return None if value is None else json_text(value)


def _parse_time(text: str) -> int | None:
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise Invalid("timestamp_range", f"is {error}") from None
