"""What a value must be before a verb is called. Raises Invalid with the caller's own field name."""

from koine.dialects.delivery.wire import NewParticipant
from koine.engine.conversations.delivery_conversations import Joining
from koine.kit.ids import canonical_id
from koine.kit.json import json_text
from koine.kit.times import millisecond_end, parse_iso
from koine.model.conversation import ParticipantRole
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


def _participants(named: list[str | NewParticipant] | None) -> Joining:
    """The participants of a request, each once; the last role named counts."""
    wanted: dict[str, ParticipantRole] = {}
    for number, each in enumerate(named or ()):
        if isinstance(each, str):
            wanted.setdefault(parse_id(f"participants.{number}", each), "member")
        else:
            wanted[parse_id(f"participants.{number}.user_id", each.user_id)] = each.role
    return tuple(wanted.items())


def _user_ids(named: list[str]) -> list[str]:
    """The users of a request, each once."""
    found = [parse_id(f"user_ids.{number}", each) for number, each in enumerate(named)]
    return list(dict.fromkeys(found))


def window(page: int, limit: int) -> tuple[Window, int]:
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
