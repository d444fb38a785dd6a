"""Range and conditional requests for files (RFC 9110, 13 and 14): players seek, downloads resume.

A file never changes under its name, so its ETag is strong and clients may combine its ranges.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate, parsedate_to_datetime
from secrets import token_hex
from typing import NamedTuple

from msgspec import Struct

from koine.http.headers import Headers
from koine.http.request import Response, StreamingResponse

MAX_RANGES = 8
"""Ranges in one request; for more, the whole file is sent, as section 14.2 allows."""

_RANGES = re.compile(r"bytes\s*=\s*(.*)", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,19})-([0-9]{0,19})|-([0-9]{1,19})")
_TAG = re.compile(r'(?:W/)?"[^"]*"|\*')

RangeReader = Callable[[int, int], AsyncIterator[bytes]]
"""Gives the bytes from the first number to before the second."""


class Range(NamedTuple):
    """Bytes from `start` to before `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


class ServedFile(Struct, frozen=True):
    """A file to send: its size, media type, ETag (in quotes), Unix seconds of its last change,
    further headers, and how to read its bytes."""

    size: int
    media: str
    tag: str
    changed: int
    headers: dict[str, str]
    pieces: RangeReader


def file_response(method: str, headers: Headers, file: ServedFile) -> StreamingResponse | Response:
    """Give the file, the requested ranges of it, a 304 or a 416."""
    named = file.headers | {
        "Accept-Ranges": "bytes",
        "ETag": file.tag,
        "Last-Modified": formatdate(file.changed, usegmt=True),
    }
    if _is_not_modified(headers, file):
        return Response(None, 304, named)
    asked = _requested_ranges(method, headers, file)
    if asked is None:
        return _stream(200, file, named, Range(0, file.size))
    if not asked:
        # No range is in the file; caches must not keep this response.
        named |= {"Content-Range": f"bytes */{file.size}", "Cache-Control": "no-store"}
        return Response(None, 416, named)
    if len(asked) == 1:
        return _stream(
            206, file, named | {"Content-Range": asked[0].content_range(file.size)}, asked[0]
        )
    return _multipart(file, named, asked)


def parse_ranges(text: str, size: int) -> list[Range] | None:
    """Give those ranges of a Range header that are in the file; None to ignore the header: another
    unit, bad syntax, too many ranges, or ranges that are larger together than the file."""
    match = _RANGES.fullmatch(text.strip())
    if match is None:
        return None
    found: list[Range] = []
    for part in match[1].split(","):
        if not part.strip():
            continue
        one = _RANGE.fullmatch(part.strip())
        if one is None or (one[2] and int(one[2]) < int(one[1])):
            return None
        found.append(_range(one, size))
    if not found or len(found) > MAX_RANGES:
        return None
    there = [each for each in found if each.start < each.end]
    return None if len(there) > 1 and sum(e - s for s, e in there) > size else there


def _range(one: re.Match[str], size: int) -> Range:
    if one[3]:
        return Range(max(0, size - int(one[3])), size)
    return Range(int(one[1]), min(size, int(one[2]) + 1) if one[2] else size)


def _requested_ranges(method: str, headers: Headers, file: ServedFile) -> list[Range] | None:
    text = headers.get("range")
    if text is None or method != "GET":
        return None
    condition = headers.get("if-range")
    return (
        None
        if condition and not _if_range_matches(condition, file)
        else parse_ranges(text, file.size)
    )


def _is_not_modified(headers: Headers, file: ServedFile) -> bool:
    tags = headers.get("if-none-match")
    if tags is not None:
        return any(tag.removeprefix("W/") in (file.tag, "*") for tag in _TAG.findall(tags))
    since = _seconds(headers.get("if-modified-since"))
    return since is not None and file.changed <= since


def _if_range_matches(condition: str, file: ServedFile) -> bool:
    # A weak tag never matches here (section 13.1.5).
    return condition.strip() == file.tag or _seconds(condition) == file.changed


def _seconds(text: str | None) -> int | None:
    try:
        return None if text is None else int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


def _stream(status: int, file: ServedFile, named: dict[str, str], part: Range) -> StreamingResponse:
    named = named | {"Content-Length": str(part.end - part.start)}
    return StreamingResponse(file.pieces(*part), file.media, status, named)


def _multipart(file: ServedFile, named: dict[str, str], ranges: list[Range]) -> StreamingResponse:
    boundary = token_hex(16)
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {file.media}\r\n"
        f"Content-Range: {each.content_range(file.size)}\r\n\r\n".encode("latin-1")
        for each in ranges
    ]
    last = f"\r\n--{boundary}--\r\n".encode()
    length = sum(len(head) for head in heads) + sum(e - s for s, e in ranges) + len(last)

    async def chunks() -> AsyncIterator[bytes]:
        for head, each in zip(heads, ranges, strict=True):
            yield head
            async for piece in file.pieces(*each):
                yield piece
        yield last

    media = f"multipart/byteranges; boundary={boundary}"
    return StreamingResponse(chunks(), media, 206, named | {"Content-Length": str(length)})
