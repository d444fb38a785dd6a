"""The listening socket, and the server behind it."""

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from koine.http.request import Receive, Scope, Send
from koine.kit.settings import Settings
from koine.server.connections import UvicornConfig
from koine.server.database import StartupError
from koine.server.uvicorn_protocols import HttpProtocol, WebSocketProtocol

BACKLOG = 2048
MAX_UNSENT_BYTES = 256 * 1024
TCP_USER_TIMEOUT_MS = 60_000
WORKER_HEALTHCHECK_SECONDS = 30
"""How long a worker may take to start, or say nothing, before it is taken for dead."""
WS_MAX_SIZE = 64 * 1024
"""The longest message a socket takes: clients say little over sockets, and send over HTTP."""

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = structlog.get_logger("koine")

_SO_ATTACH_FILTER = 26
_DROP_SYN = (
    (0x30, 0, 0, 13),  # the byte of the flags
    (0x54, 0, 0, 0x12),  # SYN and ACK of it
    (0x15, 0, 1, 0x02),  # SYN alone:
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 1 << 18),  # let everything else pass
)
"""Drop TCP segments with SYN and without ACK, in classic BPF as `tcpdump -dd` prints it: operation,
jump if true, jump if false, operand. The returned value is how many bytes pass; 0 drops."""


class Server(uvicorn.Server):
    """A uvicorn whose stop by a signal is a success. `on_start` is called when it serves."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            # Else the signal is raised again, and ends us before the database is closed.
            self._captured_signals.clear()


@contextmanager
def open_listener(settings: Settings) -> Iterator[socket.socket]:
    """The listening socket, taken before anything else is. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        made = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=False
        )
    except (OSError, OverflowError) as error:
        where = f"{settings.host}:{settings.port}"
        raise StartupError(
            f"cannot listen on {where}: {_reason(error)} (choose another with --port)"
        ) from None
    with made:
        made.set_inheritable(True)
        _set_send_limits(made)
        yield made


def _set_send_limits(listener: socket.socket) -> None:
    """Bound what the system keeps for, and how long it waits for, an end that does not read: each
    connection has it from its listener. Without this (it is Linux's) a slow reader ties up some MB,
    and one that is gone without a word a quarter of an hour."""
    if sys.platform.startswith("linux"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)


def drop_new_connections(listener: socket.socket) -> None:
    """Drop every further SYN, so that no connection begins and none that has begun is reset.

    Closing a listener resets what waits in its queue and what is in the middle of its handshake;
    accepting until the queue is empty does not help the latter (docs/adr/0019). A client whose SYN
    is dropped sends it again after a second, and is then refused, or accepted by the next process.
    Linux only: elsewhere the listener is closed without this.
    """
    if not sys.platform.startswith("linux"):
        return
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *line) for line in _DROP_SYN)
    )
    option = struct.pack("HL", len(_DROP_SYN), ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)
    except OSError as error:
        _log.warning(
            "new connections could not be dropped before the listener closes", error=str(error)
        )


def _reason(error: Exception) -> str:
    known = error.errno if isinstance(error, OSError) else None
    return os.strerror(known) if known is not None and known in errno.errorcode else str(error)


def uvicorn_config(
    settings: Settings, app: App | str, lifespan: str, workers: int = 1
) -> UvicornConfig:
    """How uvicorn serves `app`, or the factory of that name in each of `workers` processes."""
    return UvicornConfig(
        settings,
        app,
        factory=isinstance(app, str),
        workers=workers,
        lifespan="on" if lifespan == "on" else "off",
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=WS_MAX_SIZE,
        ws_per_message_deflate=False,
        log_config=None,
        # Paths, queries and heads carry secrets: they are never logged, at debug neither. Below
        # warnings uvicorn logs every handshake whole.
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.grace_seconds,
        timeout_worker_healthcheck=WORKER_HEALTHCHECK_SECONDS,
    )
