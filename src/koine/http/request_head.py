"""What a request's head may be (RFC 9112): its size, its target, its Host. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus

from koine.http.headers import RawHeaders

HEAD_BYTES = 64 * 1024
"""All of a head; also what the framing of a chunked body may take beyond the body's own size."""
MAX_FIELDS = 100
TARGET_BYTES = 16 * 1024
UNKNOWN_LENGTH = -1
"""The length of a body that comes in chunks."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


class BadRequestHead(Exception):
    """A request that is refused before it is one: the status, the sentence, and the word that the
    metric of ended connections has for it."""

    def __init__(self, status: int, text: str, reason: str = "malformed") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.reason = reason


TOO_LARGE = BadRequestHead(431, "The request's head is larger than 64 KiB.", "head_size")


def check_head(target: bytes, fields: RawHeaders, version: str) -> int:
    """Give the announced length of the body: 0 for none, UNKNOWN for chunks. Raises BadHead.

    `fields` have lower-case names. HTTP/1.1 wants exactly one Host that is one; 1.0 may have none.
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
    """How many bytes a head has at least."""
    return len(target) + sum(len(name) + len(value) + 4 for name, value in fields)


def plain_response(status: int, text: str) -> bytes:
    """A whole answer to what is no request for any dialect; the connection ends with it."""
    retry = "retry-after: 5\r\n" if status == HTTPStatus.TOO_MANY_REQUESTS else ""
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\n{retry}connection: close\r\n\r\n{text}"
    ).encode("ascii")
