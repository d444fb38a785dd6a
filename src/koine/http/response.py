"""Encode responses: wholly before the first byte is sent, so that a failure is still a 500."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from koine.http.headers import RawHeaders, encode, has
from koine.http.request import Response, Send

_encoder = msgspec.json.Encoder()
_JSON = (b"content-type", b"application/json")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")
_NO_LENGTH = frozenset({204, 304})


class RawResponse(NamedTuple):
    """An encoded response, without the headers that every response has."""

    status: int
    headers: RawHeaders
    content: bytes


def encode_response(result: object, status: int) -> RawResponse:
    """Encode what a handler returned; `status` where it names none. None is an empty body.

    Raises TypeError for what cannot be JSON: a bug in the handler.
    """
    if isinstance(result, Response):
        return _encode(result, result.status or status)
    if result is None:
        return RawResponse(status, _with_length(status, b"", [_NOSNIFF, _NO_STORE]), b"")
    content = _encoder.encode(result)
    length = (b"content-length", b"%d" % len(content))
    return RawResponse(status, [_JSON, length, _NOSNIFF, _NO_STORE], content)


async def send_response(send: Send, response: RawResponse, extra: RawHeaders, head: bool) -> None:
    """Send one start and one body message; for HEAD without the body, but with its length."""
    headers = response.headers + extra
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.content})


def _encode(response: Response, status: int) -> RawResponse:
    headers = encode(response.headers)
    body = response.body
    if response.media is None and body is not None:
        content = _encoder.encode(body)
        headers.append(_JSON)
    else:
        content = body if isinstance(body, bytes) else str(body or "").encode()
        if response.media is not None:
            headers.append((b"content-type", response.media.encode("latin-1")))
    headers.append(_NOSNIFF)
    if not has(headers, b"cache-control"):
        headers.append(_NO_STORE)
    return RawResponse(status, _with_length(status, content, headers), content)


def _with_length(status: int, content: bytes, headers: RawHeaders) -> RawHeaders:
    if status not in _NO_LENGTH:
        headers.append((b"content-length", b"%d" % len(content)))
    return headers
