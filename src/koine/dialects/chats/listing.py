"""What a list's query asks for, in the engine's words, and where its next page is."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from koine.dialects.chats.shapes import CHANNEL_TYPES
from koine.dialects.chats.wire import ChatsQuery, DetailsQuery
from koine.http.request import AnyRequest, Request, Response
from koine.kit.ids import canonical_id
from koine.kit.times import MILLISECOND, millisecond_end, parse_iso
from koine.kit.tokens import unbase64
from koine.model.errors import Invalid
from koine.model.filters import ConversationFilter
from koine.model.page import Window, page_window

Cursor = tuple[int, str]
_MAX_SORT_VALUE = 2**62


def _filter(q: DetailsQuery) -> ConversationFilter:
    """The conversations a list asks for. Raises Invalid for a malformed id or time."""
    f = ConversationFilter(
        inbox_ids=_ids("channelIds", q.channel_ids),
        responder_ids=_ids("responderIds", q.responder_ids),
        responder_version_ids=_ids("responderVersionIds", q.responder_version_ids),
        search=q.search,
        by_shown_time=True,
    )
    return _chats_filter(f, q) if isinstance(q, ChatsQuery) else f


def _window(q: DetailsQuery) -> Window | None:
    """The page a list asks for; None lies beyond every list. Raises Invalid."""
    size, number = int(q.page_size), int(q.page_number)
    if q.cursor is not None:
        return Window(limit=size, cursor=read_cursor(q.cursor))
    window = page_window(number, size)
    return None if window.too_deep else window


def list_response(
    call: Request[None, Any], items: Sequence[Struct], after: Cursor | None
) -> Response:
    """A bare array (F), and where the next page is (D: a `Link` header with a cursor)."""
    if after is None:
        return Response(list(items))
    dropped = ("cursor", "pageNumber")
    pairs = [(n, v) for n, values in call.raw_query.items() if n not in dropped for v in values]
    query = urlencode([*pairs, ("cursor", write_cursor(after))])
    url = f"{call.base_url}{call.scope['path']}?{query}"
    return Response(list(items), headers={"Link": f'<{url}>; rel="next"'})


def write_cursor(after: Cursor) -> str:
    """Opaque text for a place in a list: sort value and id."""
    return urlsafe_b64encode(f"{after[0]}.{after[1]}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The place a cursor names. Raises Invalid for what no list gave out."""
    try:
        at, _, last = unbase64(text).decode("ascii").partition(".")
        found = int(at), canonical_id(last)
    except ValueError:
        raise Invalid("cursor", "is malformed") from None
    if found[1] is None or abs(found[0]) > _MAX_SORT_VALUE:
        raise Invalid("cursor", "is malformed")
    return found[0], found[1]


def path_id(call: AnyRequest) -> str:
    """The chat id of the path. Raises Invalid for what is no id (contracts/README.md)."""
    return parse_id("id", call.path["id"])


def parse_id(name: str, text: str) -> str:
    """An id of a body or query in the spelling it is kept in. Raises Invalid."""
    found = canonical_id(text)
    if found is None:
        raise Invalid(name, "must be a UUID")
    return found


def parse_time(name: str, text: str) -> int:
    """The µs of a date-time. Raises Invalid."""
    try:
        return parse_iso(text)
    except ValueError:
        raise Invalid(name, "must be a date-time") from None


def _chats_filter(f: ConversationFilter, q: ChatsQuery) -> ConversationFilter:
    start = _bound("lastChatMessageCreatedAtStart", q.last_chat_message_created_at_start)
    end = _bound("lastChatMessageCreatedAtEnd", q.last_chat_message_created_at_end)
    wanted = frozenset(q.channel_types)
    return replace(
        f,
        owner_ids=_ids("ownerIds", q.owner_ids),
        channel_types=tuple(ours for ours, shown in CHANNEL_TYPES.items() if shown in wanted),
        shown_from=start,
        # Times are shown cut to milliseconds: a bound taken from an answer includes its chat.
        shown_to=None if end is None else millisecond_end(end),
    )


def _bound(name: str, text: str | None) -> int | None:
    # A nullable parameter (S): some clients write null as a word.
    if text is None or text == "null":
        return None
    us = parse_time(name, text)
    return us - us % MILLISECOND


def _ids(name: str, texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parse_id(name, text) for text in texts))
