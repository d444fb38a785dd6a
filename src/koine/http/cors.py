"""OPTIONS requests: the methods of a path, and CORS preflights."""

from __future__ import annotations

import re
from collections.abc import Iterable

from koine.http.headers import Headers, RawHeaders
from koine.http.request import Response
from koine.http.response import RawResponse, encode_response

# Any origin, without credentials: on every response of a dialect with `cors`.
CORS: RawHeaders = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"x-request-id, retry-after, link, content-range, accept-ranges",
    ),
]
_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HEADER_NAMES = re.compile(r"[A-Za-z0-9_\-, ]{1,1000}")


def allowed_methods(methods: Iterable[str]) -> list[str]:
    """Give the Allow list of a path: its methods, HEAD beside GET, OPTIONS."""
    found = list(methods)
    return found + ["HEAD"] * ("GET" in found) + ["OPTIONS"]


def preflight_response(headers: Headers, methods: tuple[str, ...], cors: bool) -> RawResponse:
    """The 204 for OPTIONS; with `cors`, pages of any origin may send any header."""
    named = {"allow": ", ".join(allowed_methods(methods or _ANY))}
    if cors:
        wanted = headers.get("access-control-request-headers") or ""
        named["access-control-allow-methods"] = named["allow"]
        # "*" does not include Authorization, so the requested names are sent back.
        named["access-control-allow-headers"] = wanted if _HEADER_NAMES.fullmatch(wanted) else "*"
        named["access-control-max-age"] = "7200"
    return encode_response(Response(None, 204, named), 204)
