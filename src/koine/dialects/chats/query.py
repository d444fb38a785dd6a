"""Cursors, ids and times of paths and queries, and the response of a list."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from koine.http.request import AnyRequest, Request, Response
from koine.kit.ids import canonical_id
from koine.kit.times import parse_iso
from koine.kit.tokens import unbase64
from koine.model.errors import Invalid
from koine.model.ids import parse_id

Cursor = tuple[int, str]
_MAX_SORT_VALUE = 2**62


def list_response(
    request: Request[None, Any], items: Sequence[Struct], after: Cursor | None
) -> Response:
    """A bare array (F), with the next page's URL in the `Link` header (D)."""
    if after is None:
        return Response(list(items))
    dropped = ("cursor", "pageNumber")
    pairs = [(n, v) for n, values in request.raw_query.items() if n not in dropped for v in values]
    query = urlencode([*pairs, ("cursor", write_cursor(after))])
    url = f"{request.base_url}{request.scope['path']}?{query}"
    return Response(list(items), headers={"Link": f'<{url}>; rel="next"'})


def write_cursor(after: Cursor) -> str:
    """The cursor behind an item: its sort value and id, as opaque text."""
    return urlsafe_b64encode(f"{after[0]}.{after[1]}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The sort value and id in a cursor. Raises Invalid for text that no list returned."""
    try:
        at, _, last = unbase64(text).decode("ascii").partition(".")
        found = int(at), canonical_id(last)
    except ValueError:
        raise Invalid("cursor", "is malformed") from None
    if found[1] is None or abs(found[0]) > _MAX_SORT_VALUE:
        raise Invalid("cursor", "is malformed")
    return found[0], found[1]


def path_id(request: AnyRequest) -> str:
    """The chat id of the path. Raises Invalid for anything but a UUID (contracts/README.md)."""
    return parse_id("id", request.path["id"])


def parse_time(name: str, text: str) -> int:
    """A date-time in µs. Raises Invalid(name)."""
    try:
        return parse_iso(text)
    except ValueError:
        raise Invalid(name, "must be a date-time") from None
