"""Bounds on a request's head (RFC 9112): its size, its target, its Host. No I/O."""

from __future__ import annotations

import re
from http import HTTPStatus

from koine.http.headers import RawHeaders

HEAD_BYTES = 64 * 1024
"""Most bytes of a head; also of the framing of a chunked body, beyond the body's own size."""
MAX_FIELDS = 100
TARGET_BYTES = 16 * 1024
UNKNOWN_LENGTH = -1
"""Stands for the length of a chunked body."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


class BadRequestHead(Exception):
    """A request that is refused before the application sees it: the status, the text of the
    response, and the `reason` label of koine_connections_ended."""

    def __init__(self, status: int, text: str, reason: str = "malformed") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


TOO_LARGE = BadRequestHead(431, "The request's head is larger than 64 KiB.", "head_size")


def check_head(target: bytes, fields: RawHeaders, version: str) -> int:
    """Give the announced length of the body: 0 for none, UNKNOWN_LENGTH for chunks. Raises
    BadRequestHead.

    `fields` have lower-case names. HTTP/1.1 needs exactly one valid Host; 1.0 may have none.
    """
    if len(target) > TARGET_BYTES:
        raise BadRequestHead(414, "The request's target is longer than 16 KiB.", "head_size")
    if len(fields) > MAX_FIELDS:
        raise BadRequestHead(431, "The request has more than 100 header fields.", "head_size")
    hosts, length = 0, 0
    for name, value in fields:
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                raise BadRequestHead(400, "The Host header is no host.")
        elif name == b"content-length":
            length = int(value) if value.isdigit() and not length else length
        elif name == b"transfer-encoding":
            length = UNKNOWN_LENGTH
    if hosts != 1 and not (hosts == 0 and version == "1.0"):
        raise BadRequestHead(400, "The request must have one Host header.")
    return length


def head_size(target: bytes, fields: RawHeaders) -> int:
    """A lower bound of the bytes of a head."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in fields)


def plain_response(status: int, text: str) -> bytes:
    """The bytes of a whole plain text response, after which the connection closes."""
    retry = "retry-after: 5\r\n" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\n{retry}connection: close\r\n\r\n{text}"
    ).encode("ascii")
