"""A request, its response, and the two errors of requests."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
USER_AGENT = "Koine"

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8192}")
# Set by the client itself, or able to change how the connection is parsed.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"}
    | {"expect", "te", "trailer", "accept-encoding", "proxy-authorization", "proxy-connection"}
)


class Blocked(Exception):
    """The request is not allowed, now or later. `reason` is a phrase for who chose the URL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RequestFailed(Exception):
    """There was no complete response; a retry may have one. `reason` is a phrase."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """One request. The client itself sets `Host`, `Content-Length` and the like."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """One response. Header names are in lower case, values of repeated ones joined by ", ".

    `truncated`: the body was longer than `max_response_bytes`. `duration_us`: from `send` to the
    end of the response, in µs.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    duration_us: int
    truncated: bool = False


def encode_request(request: Request, authority: str, path: str) -> bytes:
    """The bytes of a request. Raises Blocked for what cannot be a header."""
    if request.method not in METHODS:
        raise Blocked(f"the method {request.method!r} is not sent")
    lines = [f"{request.method} {path} HTTP/1.1\r\nHost: {authority}\r\n"]
    named = False
    for name, value in request.headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name) or lower in _OURS or not _VALUE.fullmatch(value):
            raise Blocked(f"the header {name!r} cannot be sent")
        named = named or lower == "user-agent"
        lines.append(f"{name}: {value}\r\n")
    if not named:
        lines.append(f"User-Agent: {USER_AGENT}\r\n")
    if request.body or request.method not in ("GET", "DELETE"):
        lines.append(f"Content-Length: {len(request.body)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1") + request.body
