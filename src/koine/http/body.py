"""Request bodies: bytes up to a limit, then strict JSON into the route's Struct."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec

from koine.http.headers import Headers
from koine.http.request import Message, Receive
from koine.http.validation_errors import from_validation
from koine.kit.json import BadJson, loads_strict
from koine.model.errors import Malformed, TooLarge

T = TypeVar("T")


class ClientDisconnected(Exception):
    """The client closed the connection before its request was read: there is nothing to send."""


def declared_length(headers: Headers) -> int | None:
    """Give Content-Length, or None (chunked, or no body). Raises Malformed."""
    text = headers.raw_get(b"content-length")
    if text is None:
        return None
    if not text.isdigit():
        raise Malformed("the content length is not a number")
    return int(text)


def has_body(headers: Headers) -> bool:
    """Whether the headers announce a body. Raises Malformed."""
    length = declared_length(headers)
    return length != 0 if length is not None else headers.raw_get(b"transfer-encoding") is not None


async def read_bytes(receive: Receive, headers: Headers, limit: int) -> bytes:
    """Read the whole body. Raises TooLarge above `limit` bytes, and ClientDisconnected."""
    if not has_body(headers):
        return b""
    length = declared_length(headers)
    if length is not None and length > limit:
        raise TooLarge(limit)
    message = await receive()
    if not message.get("more_body", False) and message["type"] == "http.request":
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise TooLarge(limit)
        return body
    return await _read_rest(message, receive, limit)


async def read_chunks(receive: Receive, headers: Headers, limit: int) -> AsyncIterator[bytes]:
    """Yield the body in chunks. Raises TooLarge above `limit` bytes, and ClientDisconnected."""
    length = declared_length(headers)
    if length is not None and length > limit:
        raise TooLarge(limit)
    total, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnected
        chunk = message.get("body", b"")
        total += len(chunk)
        if total > limit:
            raise TooLarge(limit)
        yield chunk
        more = message.get("more_body", False)


def load_json(body: bytes) -> object:
    """Read strict JSON; an absent body is an empty object. Raises Malformed.

    A byte order mark at its start, which .NET and PowerShell write, is ignored (RFC 8259, 8.1).
    """
    body = body.removeprefix(BOM_UTF8)
    if not body:
        return {}
    try:
        return loads_strict(body)
    except BadJson as error:
        raise Malformed(error.reason) from None


def convert(value: object, kind: type[T]) -> T:
    """Check plain JSON values against `kind`, strictly. Raises Invalid(field, reason)."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise from_validation(error) from None


async def _read_rest(first: Message, receive: Receive, limit: int) -> bytes:
    message = first
    parts, total = [], 0
    while True:
        if message["type"] != "http.request":
            raise ClientDisconnected
        parts.append(message.get("body", b""))
        total += len(parts[-1])
        if total > limit:
            raise TooLarge(limit)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()
