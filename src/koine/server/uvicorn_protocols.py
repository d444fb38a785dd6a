"""uvicorn's HTTP/1.1 protocol, with bounds on what a connection may send and how slowly.

Unauthenticated clients must not be able to hold resources cheaply:

- A head has a largest size (`HEAD_BYTES`) and a time (`head_seconds`).
- A body has a lowest rate (`body_rate`) and a longest time (`body_max_seconds`); a chunked body may
  have little framing around its data.
- An idle connection is closed (`idle_seconds`), so is one that never sends a request.
- When the response begins before the body was read, only `DRAIN_BYTES` more of it are read.

There is one `deadline` at a time and no timer for each connection: `Connections` sweeps over all
of them and calls `on_deadline` of those that are overdue.
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
"""How many requests of a connection may wait for the response to an earlier one."""
_MALFORMED = BadRequestHead(400, "The request is not HTTP/1.1.")
_HEAD_TIMEOUT = BadRequestHead(408, "The request's head took too long.", "head_time")
_BODY_TIMEOUT = BadRequestHead(408, "The request's body took too long.", "body_time")
_TOO_MUCH_FRAMING = BadRequestHead(400, "The body's chunks have too much framing.", "framing")
_TOO_MANY_PIPELINED = BadRequestHead(429, "Too many requests wait for a response.", "pipelined")
_FLUSH_SECONDS = 30.0
"""How long the last response may take to be flushed to a client that reads slowly."""


class HttpProtocol(HttpToolsProtocol):
    """One HTTP/1.1 connection. It is in one of these states:

    - idle: `_raw_bytes` is 0; the deadline is that of the next request
    - in a head: `_raw_bytes` counts it; the deadline is `head_seconds`
    - in a body: `_in_body`; the deadline is the end of the current window of its rate
    - responding: `_running_cycle` is set, also while the body is still read; no deadline unless
      `_in_body`
    - ended: `_reading_stopped`; the last response is flushed, then the connection is aborted
    """

    def __init__(self, config: UvicornConfig, *given: Any, **more: Any) -> None:
        super().__init__(config, *given, **more)
        self._connections = config.connections
        self._settings = config.settings
        self.deadline = inf  # on the event loop's clock; infinite: none
        self._running_cycle: RequestResponseCycle | None = None
        self._has_responded = False
        self._shutting_down = False
        self._reading_stopped = False
        self._flush_deadline = 0.0
        # What is being read
        self._head_fault: BadRequestHead | None = None  # why the parser was made to fail
        self._in_body = False
        self._phase_changes = 0  # from head to body or back, so far
        self._chunk_bytes = 0  # the size of what `data_received` got last
        self._raw_bytes = 0  # of this head, or of this body with its framing
        self._body_bytes = 0  # of this body without its framing
        self._body_started_at = 0.0
        self._rate_window_bytes: int | None = None  # `_body_bytes` at the start of the window
        self._discarded_bytes = 0
        self._keep_alive = True

    # Connection events

    def connection_made(self, transport: Any) -> None:
        """A client connected; the head of its first request must come within `head_seconds`."""
        super().connection_made(transport)
        self._response_transport = _ResponseTransport(transport, self._close_after_response)
        if self._connections.add(self, self.client):
            self.deadline = self.loop.time() + self._settings.head_seconds
            return
        count_ended("address")
        self._reading_stopped = True
        transport.write(
            request_head.plain_response(429, "There are too many connections of this address.")
        )
        transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed; the running handler gets an `http.disconnect`."""
        self._connections.remove(self)
        self.pipeline.clear()
        if self._running_cycle is not None:
            self._running_cycle.disconnected = True
            self._running_cycle.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The process stops: close once no request is running."""
        self._shutting_down = True
        super().shutdown()

    # Reading

    def data_received(self, data: bytes) -> None:
        """Feed bytes to the parser, then check the head or body that they belong to."""
        if self._reading_stopped:
            self._discard(len(data))
            return
        before, self._chunk_bytes, waited = self._phase_changes, len(data), not self._raw_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:
            self._reject(self._head_fault or _MALFORMED)
        else:
            if before == self._phase_changes:
                self._raw_bytes += self._chunk_bytes
            if self._in_body:
                self._check_body()
            else:
                self._check_head(waited)

    def on_message_begin(self) -> None:
        """A request begins; the parser calls this while it is fed."""
        super().on_message_begin()
        # It is not known how many of the bytes being fed are of this request: at least one is.
        self._raw_bytes = self._raw_bytes or 1
        vars(self)["scope"][ABORT] = self.transport.abort

    def on_headers_complete(self) -> None:
        """The head is complete: check it before the application sees it."""
        try:
            long = self._raw_bytes > 1 or self._chunk_bytes > request_head.HEAD_BYTES
            if long and request_head.head_size(self.url, self.headers) > request_head.HEAD_BYTES:
                raise request_head.TOO_LARGE
            length = request_head.check_head(self.url, self.headers, self.parser.get_http_version())
        except BadRequestHead as fault:
            self._head_fault = fault
            raise
        former = self.cycle
        super().on_headers_complete()
        cycle = self.cycle
        if cycle is former:
            return  # an upgrade to WebSocket has no cycle
        self._phase_changes += 1
        self._raw_bytes = self._body_bytes = self._discarded_bytes = 0
        self._in_body, self._rate_window_bytes = True, None
        self.headers = []  # the parser adds trailers here, which are ignored
        cycle.transport = self._response_transport  # type: ignore[assignment]  # what a cycle uses
        self._keep_alive = cycle.keep_alive
        if (
            length > DRAIN_BYTES
            or length == request_head.UNKNOWN_LENGTH
            or self.expect_100_continue
        ):
            cycle.keep_alive = False  # unless all of it comes before the response begins

    def on_body(self, body: bytes) -> None:
        """A part of the body was read."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request was read whole."""
        super().on_message_complete()
        if not self._in_body:
            return
        self._phase_changes += 1
        self._raw_bytes = 0
        self._in_body = False
        if self._keep_alive and not self._shutting_down and not self.cycle.response_started:
            self.cycle.keep_alive = True
        if len(self.pipeline) > MAX_PIPELINED:
            self._head_fault = _TOO_MANY_PIPELINED
            raise _TOO_MANY_PIPELINED

    def _check_head(self, waited: bool) -> None:
        if self._raw_bytes > request_head.HEAD_BYTES:
            self._reject(request_head.TOO_LARGE)
        elif self._running_cycle is not None:
            self.deadline = inf
        elif waited and self._raw_bytes and self._has_responded:
            self.deadline = self.loop.time() + self._settings.head_seconds

    def _check_body(self) -> None:
        if self._raw_bytes - self._body_bytes > request_head.HEAD_BYTES + self._body_bytes:
            self._reject(_TOO_MUCH_FRAMING)
            return
        if self._rate_window_bytes is None:
            now = self._body_started_at = self.loop.time()
            self._start_rate_window(now)
        if self.cycle.response_started:
            self._discarded_bytes += self._chunk_bytes
            if self._discarded_bytes > DRAIN_BYTES:
                self._stop_unread_body()

    # Responding

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running_cycle = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """A response was sent: start the next pipelined request, or wait for one."""
        self.server_state.total_requests += 1
        self._running_cycle = None
        self._has_responded = True
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._reading_stopped:
            wait = self._settings.head_seconds if self._raw_bytes else self._settings.idle_seconds
            self.deadline = self.loop.time() + (LINGER_SECONDS if self._in_body else wait)

    def _close_after_response(self) -> None:
        """The last response of this connection was sent."""
        if self._in_body or self._raw_bytes or self.pipeline:
            self._half_close()
        else:
            self.transport.close()

    # Deadlines and ends

    def on_deadline(self, now: float) -> None:
        """The deadline has passed: by the state, check the body's rate, reject or close."""
        if self._reading_stopped:
            if self.transport.get_write_buffer_size() and now < self._flush_deadline:
                self.deadline = now + LINGER_SECONDS
            else:
                self.transport.abort()
        elif self._in_body:
            self._check_body_rate(now)
        elif self._raw_bytes:
            self._reject(_HEAD_TIMEOUT)
        else:
            count_ended("idle" if self._has_responded else "silent")
            self.deadline = inf
            self.transport.close()

    def _start_rate_window(self, now: float) -> None:
        self._rate_window_bytes = self._body_bytes
        last = self._body_started_at + self._settings.body_max_seconds
        self.deadline = min(now + self._settings.body_seconds, last)

    def _check_body_rate(self, now: float) -> None:
        """Reject a body below the lowest rate, unless it is this process that does not read it."""
        limits = self._settings
        required = limits.body_rate * limits.body_seconds
        in_time = now < self._body_started_at + limits.body_max_seconds
        if self.cycle.response_complete:
            self._stop_unread_body()
        elif in_time and (
            self.flow.read_paused or self._body_bytes - (self._rate_window_bytes or 0) >= required
        ):
            self._start_rate_window(now)
        else:
            self._reject(_BODY_TIMEOUT)

    def _stop_unread_body(self) -> None:
        count_ended("unread")
        if self._running_cycle is None:
            self._half_close()
        else:
            self.transport.abort()

    def _reject(self, fault: BadRequestHead) -> None:
        """Send an error response and end the connection; a running response is finished first."""
        count_ended(fault.reason)
        running = self._running_cycle
        if running is not None and not self._in_body:
            self._reading_stopped = True
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
        self._half_close()

    def _half_close(self) -> None:
        """Close the sending side only, and discard what still comes. A full close would reset the
        connection of a client that still sends, which may then lose the response."""
        self._reading_stopped = True
        now = self.loop.time()
        self.deadline, self._flush_deadline = now + LINGER_SECONDS, now + _FLUSH_SECONDS
        if not self.transport.is_closing():
            self.transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded_bytes += size
        if self._discarded_bytes > DRAIN_BYTES and not self.transport.is_closing():
            if self._running_cycle is None:
                self.transport.pause_reading()
            else:
                self.transport.abort()

    def _upgrade(self) -> None:
        if not self._should_upgrade():
            self._reject(_MALFORMED)  # CONNECT, or an unknown protocol
        elif self._running_cycle is not None:
            self._reject(_TOO_MANY_PIPELINED)
        else:
            self._connections.remove(self)
            self.handle_websocket_upgrade()


class _ResponseTransport:
    """The transport that a response writes to; closing it is up to the connection."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self.write: Callable[[bytes], None] = transport.write
        self.is_closing: Callable[[], bool] = transport.is_closing
        self.close = close
