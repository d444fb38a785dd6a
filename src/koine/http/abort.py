"""Abort a connection whose client does not read.

A normal close flushes the write buffer first, which never ends when the client does not read. So
the server puts the transport's `abort` into the ASGI scope.
"""

from __future__ import annotations

from collections.abc import Callable

from koine.http.request import Scope

ABORT = "koine.abort"
"""The key in the ASGI scope; set by server/uvicorn_protocols.py and uvicorn_websockets.py."""


def abort_connection(scope: Scope) -> bool:
    """Close the connection at once and drop unsent bytes; False where the server cannot."""
    abort: Callable[[], None] | None = scope.get(ABORT)
    if abort is None:
        return False
    abort()
    return True
