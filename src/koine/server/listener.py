"""The listening socket, and uvicorn's configuration behind it."""

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
WS_MAX_SIZE = 64 * 1024
"""The longest WebSocket message: commands are short, and messages are sent over HTTP."""

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
    """uvicorn's server, which calls `on_start` when it serves, and returns after a signal."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving."""
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            # Else uvicorn raises the signal again, which kills us before the database is closed.
            self._captured_signals.clear()


@contextmanager
def bind_listener(settings: Settings) -> Iterator[socket.socket]:
    """A socket that is bound to the port, so that no other server takes it, and does not listen
    yet: a client is refused, and tries another node. `listen` is next. Raises StartupError."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as made:
        try:
            if settings.port:  # with 0, two servers could get the same port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind((settings.host, settings.port))
        except (OSError, OverflowError) as error:
            raise _cannot_listen(settings, error) from None
        made.set_inheritable(True)
        set_send_limits(made)
        yield made


def listen(listener: socket.socket, settings: Settings) -> None:
    """Listen on a bound socket. Raises StartupError when another server was faster."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        raise _cannot_listen(settings, error) from None


def _cannot_listen(settings: Settings, error: Exception) -> StartupError:
    where = f"{settings.host}:{settings.port}"
    return StartupError(
        f"cannot listen on {where}: {_reason(error)} "
        "(choose another with --port, or with `make run PORT=8500`)"
    )


def set_send_limits(listener: socket.socket) -> None:
    """Bound the kernel's send buffer, and its wait for acknowledgements; connections inherit both
    from the listener. Without this (Linux only) a client that does not read takes some MB, and one
    that vanished is noticed after a quarter of an hour."""
    if sys.platform.startswith("linux"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)


def drop_new_connections(listener: socket.socket) -> None:
    """Drop every further SYN, so that closing the listener resets no connection.

    Closing a listener resets the connections in its queue and those within their handshake;
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


def uvicorn_config(settings: Settings, app: App, lifespan: str) -> UvicornConfig:
    """How uvicorn serves `app`."""
    return UvicornConfig(
        settings,
        app,
        lifespan="on" if lifespan == "on" else "off",
        loop="uvloop",
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=WS_MAX_SIZE,
        ws_per_message_deflate=False,
        log_config=None,
        # Paths, queries and headers contain secrets and must never be logged, not even at debug:
        # below warnings uvicorn logs whole handshakes.
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=settings.grace_seconds,
    )
