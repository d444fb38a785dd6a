"""uvicorn's HTTP/1.1, with bounds on what a connection may send, and by when.

What is sent before anybody is known costs its sender more than us: a head has a size and a time, a
body a pace, a chunked body little framing, silence an end. Where an answer is given before the
body is read, little more of it is read. Nothing here waits: `Connections` asks who is overdue.
"""

from collections.abc import Callable
from math import inf
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from koine.http import request_head
from koine.http.abort import ABORT
from koine.http.request_head import BadRequestHead
from koine.server.connections import DRAIN_BYTES, LINGER_SECONDS, UvicornConfig, count_ended
from koine.server.uvicorn_websockets import WebSocketProtocol

__all__ = ["HttpProtocol", "WebSocketProtocol"]

MAX_PIPELINED = 100
"""How many requests may wait for the answer to an earlier one of their connection."""
_MALFORMED = BadRequestHead(400, "The request is not HTTP/1.1.")
_HEAD_TIMEOUT = BadRequestHead(408, "The request's head took too long.", "head_time")
_BODY_TIMEOUT = BadRequestHead(408, "The request's body took too long.", "body_time")
_TOO_MUCH_FRAMING = BadRequestHead(400, "The body's chunks have too much around them.", "framing")
_TOO_MANY_PIPELINED = BadRequestHead(429, "Too many requests wait for an answer.", "pipelined")
_FLUSH_SECONDS = 30.0
"""How long the last answer may take to go out to one who reads slowly."""


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1. `deadline` is when it must have gone on, on the clock of the loop."""

    def __init__(self, config: UvicornConfig, *given: Any, **more: Any) -> None:
        super().__init__(config, *given, **more)
        self._connections = config.connections
        self._limits = config.settings
        self.deadline = inf
        self._running: RequestResponseCycle | None = None
        self._fault: BadRequestHead | None = None
        self._in_body = False
        self._transitions = 0
        self._raw_bytes = 0  # bytes of this head, or of this body with its framing
        self._chunk_bytes = 0
        self._body_bytes = 0
        self._window: int | None = None  # the body's size when its pace was last looked at
        self._body_began = 0.0
        self._flush_deadline = 0.0
        self._served = False
        self._keep_alive = True
        self._shutting_down = False
        self._stopped = False  # nothing more is read
        self._drained = 0

    # The connection

    def connection_made(self, transport: Any) -> None:
        """A connection begins; it must say something soon."""
        super().connection_made(transport)
        self._out = _ResponseTransport(transport, self._finish)
        if self._connections.add(self, self.client):
            self.deadline = self.loop.time() + self._limits.head_seconds
            return
        count_ended("address")
        self._stopped = True
        transport.write(
            request_head.plain_response(429, "There are too many connections of this address.")
        )
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever answers on it learns it."""
        self._connections.remove(self)
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The process ends: close once nothing is under way."""
        self._shutting_down = True
        super().shutdown()

    # What comes in

    def data_received(self, data: bytes) -> None:
        """Read some bytes: whatever they begin, continue or end."""
        if self._stopped:
            self._discard(len(data))
            return
        before, self._chunk_bytes, waited = self._transitions, len(data), not self._raw_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:
            self._refuse(self._fault or _MALFORMED)
        else:
            if before == self._transitions:
                self._raw_bytes += self._chunk_bytes
            if self._in_body:
                self._check_body()
            else:
                self._check_head(waited)

    def on_message_begin(self) -> None:
        """A request begins: its scope is made."""
        super().on_message_begin()
        self._raw_bytes = self._raw_bytes or 1  # how much of what is read now is of it is not known
        vars(self)["scope"][ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        """The head is there: it is looked at before anybody answers it."""
        try:
            long = self._raw_bytes > 1 or self._chunk_bytes > request_head.HEAD_BYTES
            if long and request_head.head_size(self.url, self.headers) > request_head.HEAD_BYTES:
                raise request_head.TOO_LARGE
            length = request_head.check_head(self.url, self.headers, self.parser.get_http_version())
        except BadRequestHead as fault:
            self._fault = fault
            raise
        former = self.cycle
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is former:
            return  # it becomes a WebSocket
        self._transitions += 1
        self._raw_bytes = self._body_bytes = self._drained = 0
        self._in_body, self._window = True, None
        self.headers = []  # trailers come here, and nobody reads them
        cycle.transport = self._out  # type: ignore[assignment]  # all of it that a cycle uses
        self._keep_alive = cycle.keep_alive
        if (
            length > DRAIN_BYTES
            or length == request_head.UNKNOWN_LENGTH
            or self.expect_100_continue
        ):
            cycle.keep_alive = False  # unless all of it comes before the answer begins

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        super().on_message_complete()
        if not self._in_body:
            return
        self._transitions += 1
        self._raw_bytes = 0
        self._in_body = False
        if self._keep_alive and not self._shutting_down and not self.cycle.response_started:
            self.cycle.keep_alive = True
        if len(self.pipeline) > MAX_PIPELINED:
            self._fault = _TOO_MANY_PIPELINED
            raise _TOO_MANY_PIPELINED

    def _check_head(self, waited: bool) -> None:
        if self._raw_bytes > request_head.HEAD_BYTES:
            self._refuse(request_head.TOO_LARGE)
        elif self._running is not None:
            self.deadline = inf
        elif waited and self._raw_bytes and self._served:
            self.deadline = self.loop.time() + self._limits.head_seconds

    def _check_body(self) -> None:
        if self._raw_bytes - self._body_bytes > request_head.HEAD_BYTES + self._body_bytes:
            self._refuse(_TOO_MUCH_FRAMING)
            return
        if self._window is None:
            now = self._body_began = self.loop.time()
            self._measure(now)
        if self.cycle.response_started:
            self._drained += self._chunk_bytes
            if self._drained > DRAIN_BYTES:
                self._end_unread()

    # What goes out

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer has been given: take up the next request, or wait for one."""
        self.server_state.total_requests += 1
        self._running = None
        self._served = True
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._stopped:
            wait = self._limits.head_seconds if self._raw_bytes else self._limits.idle_seconds
            self.deadline = self.loop.time() + (LINGER_SECONDS if self._in_body else wait)

    def _finish(self) -> None:
        """The last answer of this connection has been given."""
        if self._in_body or self._raw_bytes or self.pipeline:
            self._linger()
        else:
            self.transport.close()

    # The end

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""
        if self._stopped:
            if self.transport.get_write_buffer_size() and now < self._flush_deadline:
                self.deadline = now + LINGER_SECONDS
            else:
                self.transport.abort()
        elif self._in_body:
            self._check_pace(now)
        elif self._raw_bytes:
            self._refuse(_HEAD_TIMEOUT)
        else:
            count_ended("idle" if self._served else "silent")
            self.deadline = inf
            self.transport.close()

    def _measure(self, now: float) -> None:
        self._window = self._body_bytes
        last = self._body_began + self._limits.body_max_seconds
        self.deadline = min(now + self._limits.body_seconds, last)

    def _check_pace(self, now: float) -> None:
        """A body that is waited for must bring something; one that waits for us need not."""
        limits = self._limits
        wanted = limits.body_rate * limits.body_seconds
        in_time = now < self._body_began + limits.body_max_seconds
        if self.cycle.response_complete:
            self._end_unread()
        elif in_time and (
            self.flow.read_paused or self._body_bytes - (self._window or 0) >= wanted
        ):
            self._measure(now)
        else:
            self._refuse(_BODY_TIMEOUT)

    def _end_unread(self) -> None:
        count_ended("unread")
        if self._running is None:
            self._linger()
        else:
            self.transport.abort()

    def _refuse(self, fault: BadRequestHead) -> None:
        """Answer what is no request, and end the connection; answers under way are given first."""
        count_ended(fault.reason)
        running = self._running
        if running is not None and not self._in_body:
            self._stopped = True
            self.deadline = inf
            self.cycle.keep_alive = False
            return
        if running is not None:
            if running is not self.cycle or running.response_started:
                self.transport.abort()
                return
            running.disconnected = True
            running.message_event.set()
        self.transport.write(request_head.plain_response(fault.status, fault.text))
        self._linger()

    def _linger(self) -> None:
        """Read no more, but leave time to read the last answer: closing at once would take it
        back, with a reset, from one who still sends."""
        self._stopped = True
        now = self.loop.time()
        self.deadline, self._flush_deadline = now + LINGER_SECONDS, now + _FLUSH_SECONDS
        if not self.transport.is_closing():
            self.transport.write_eof()

    def _discard(self, size: int) -> None:
        self._drained += size
        if self._drained > DRAIN_BYTES and not self.transport.is_closing():
            if self._running is None:
                self.transport.pause_reading()
            else:
                self.transport.abort()

    def _upgrade(self) -> None:
        if not self._should_upgrade():
            self._refuse(_MALFORMED)  # CONNECT, or a protocol we do not speak
        elif self._running is not None:
            self._refuse(_TOO_MANY_PIPELINED)
        else:
            self._connections.remove(self)
            self.handle_websocket_upgrade()


class _ResponseTransport:
    """The transport as an answer sees it: the connection decides how it is closed."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self.write: Callable[[bytes], None] = transport.write
        self.is_closing: Callable[[], bool] = transport.is_closing
        self.close = close
