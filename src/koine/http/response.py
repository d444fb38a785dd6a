"""Answers to bytes: status, headers and content are made first, so a failure can still be a 500."""

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
    """An answer ready to send, but for the headers every answer carries."""

    status: int
    headers: RawHeaders
    content: bytes


def encode_response(result: object, status: int) -> RawResponse:
    """Give what a handler returned as bytes; `status` where it names none. None is no body.

    Raises TypeError for what is no JSON: a bug in the handler.
    """
    if isinstance(result, Response):
        return _pack_answer(result, result.status or status)
    if result is None:
        return RawResponse(status, _sized(status, b"", [_NOSNIFF, _NO_STORE]), b"")
    content = _encoder.encode(result)
    length = (b"content-length", b"%d" % len(content))
    return RawResponse(status, [_JSON, length, _NOSNIFF, _NO_STORE], content)


async def send_response(send: Send, packed: RawResponse, extra: RawHeaders, head: bool) -> None:
    """Send one start and one body message; a HEAD's body stays here, its length does not."""
    headers = packed.headers + extra
    await send({"type": "http.response.start", "status": packed.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else packed.content})


def _pack_answer(answer: Response, status: int) -> RawResponse:
    headers = encode(answer.headers)
    body = answer.body
    if answer.media is None and body is not None:
        content = _encoder.encode(body)
        headers.append(_JSON)
    else:
        content = body if isinstance(body, bytes) else str(body or "").encode()
        if answer.media is not None:
            headers.append((b"content-type", answer.media.encode("latin-1")))
    headers.append(_NOSNIFF)
    if not has(headers, b"cache-control"):
        headers.append(_NO_STORE)
    return RawResponse(status, _sized(status, content, headers), content)


def _sized(status: int, content: bytes, headers: RawHeaders) -> RawHeaders:
    if status not in _NO_LENGTH:
        headers.append((b"content-length", b"%d" % len(content)))
    return headers
