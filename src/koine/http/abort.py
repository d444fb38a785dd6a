"""Letting go of a connection whose other end does not read.

A server closes politely: it sends first what is queued, which never ends for a reader that does
not read. So its connections carry a way to be cut at once, as an entry of the ASGI scope.
"""

from __future__ import annotations

from collections.abc import Callable

from koine.http.request import Scope

ABORT = "koine.abort"
"""The entry's name; server/uvicorn_protocols.py puts it there."""


def abort_connection(scope: Scope) -> bool:
    """Cut the connection and drop what waits to be sent; False where the server knows no way."""
    abort: Callable[[], None] | None = scope.get(ABORT)
    if abort is None:
        return False
    abort()
    return True
