"""The listening socket, and the server behind it."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from koine.http import app as http
from koine.kit.settings import Settings
from koine.main.opening import CannotStart

GRACE_SECONDS = 10
"""How long requests under way may take when the server is told to stop."""
BACKLOG = 2048


class Server(uvicorn.Server):
    """A uvicorn whose stop by a signal is a success."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            # Else the signal is raised again, and ends us before the database is closed.
            self._captured_signals.clear()


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else is. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        made = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except (OSError, OverflowError) as error:
        where = f"{settings.host}:{settings.port}"
        raise CannotStart(
            f"cannot listen on {where}: {_reason(error)} (choose another with --port)"
        ) from None
    with made:
        made.set_inheritable(True)
        yield made


def _reason(error: Exception) -> str:
    known = error.errno if isinstance(error, OSError) else None
    return os.strerror(known) if known is not None and known in errno.errorcode else str(error)


def configured(
    settings: Settings, app: http.App | str, lifespan: str, workers: int = 1
) -> uvicorn.Config:
    """How uvicorn serves `app`, or the factory of that name in each of `workers` processes."""
    debug = settings.log_level == "debug"
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        lifespan="on" if lifespan == "on" else "off",
        loop="uvloop",
        http="httptools",
        ws="auto",
        log_config=None,
        log_level=None if debug else "warning",
        # Paths and queries carry contacts' secrets: they are never logged.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
