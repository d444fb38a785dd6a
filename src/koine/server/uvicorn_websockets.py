"""uvicorn's WebSocket protocol, with bounds on frames a minute and on unfinished messages."""

from math import inf
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from koine.http.abort import ABORT
from koine.http.request_head import plain_response
from koine.http.socket import POLICY_VIOLATION
from koine.server.connections import DRAIN_BYTES, LINGER_SECONDS, UvicornConfig, count_ended

READ_SLICE_BYTES = 4096
"""Bytes that are parsed before frames are counted: some hundreds of the smallest frames."""
EMPTY_FRAME_WEIGHT = 5
"""A ping, a pong or an empty fragment counts as this many frames."""
_MINUTE = 60.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection. `deadline` is when a message that has begun must be complete."""

    def __init__(self, config: UvicornConfig, *given: Any, **more: Any) -> None:
        super().__init__(config, *given, **more)
        self._connections = config.connections
        self._frames_per_minute = config.settings.socket_frames_per_minute
        self._message_seconds = config.settings.head_seconds
        self.deadline = inf
        self._frame_count = 0
        self._window_start = 0.0
        self._reading_stopped = False
        self._discarded_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """An HTTP connection has become a WebSocket."""
        super().connection_made(transport)
        self._connections.add(self, self.client)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes in slices: a flood of small frames is counted before it is handled."""
        for at in range(0, len(data), READ_SLICE_BYTES):
            if self._reading_stopped or self.transport.is_closing():
                self._discard(len(data) - at)
                return
            self.conn.receive_data(data[at : at + READ_SLICE_BYTES])
            if self.conn.handshake_exc is not None:
                self._reject_handshake()
                return
            if self._is_flood():
                self._close_with_policy_violation("frames", "too many frames")
            elif self.conn.parser_exc is not None:
                self.handle_parser_exception()
            else:
                self.handle_events()
        self._check_message()

    def handle_connect(self, event: Request) -> None:
        """A handshake was read; the application gets its scope in the next turn of the loop."""
        super().handle_connect(event)
        if "scope" in vars(self):
            vars(self)["scope"][ABORT] = self.transport.abort

    def keepalive_timeout(self) -> None:
        """A ping was not answered: nobody would read what is still to be flushed."""
        super().keepalive_timeout()
        self.transport.abort()

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""
        if self._reading_stopped:
            self.transport.abort()
        elif self.read_paused:
            self.deadline = now + self._message_seconds  # this process is not reading
        else:
            self._close_with_policy_violation("message_time", "the message took too long")

    def _is_flood(self) -> bool:
        """Count the parsed frames, in windows of a minute."""
        frames = [event for event in self.conn.events if isinstance(event, Frame)]
        if not frames or not self._frames_per_minute:
            return False
        now = self.loop.time()
        if now - self._window_start > _MINUTE:
            self._window_start, self._frame_count = now, 0
        self._frame_count += sum(EMPTY_FRAME_WEIGHT if _is_empty(frame) else 1 for frame in frames)
        return self._frame_count > self._frames_per_minute

    def _check_message(self) -> None:
        """Set the deadline while a frame or a message is incomplete, else clear it."""
        if self._reading_stopped:
            return
        if self.conn.current_size is None and not self.conn.reader.buffer:
            self.deadline = inf
        elif self.deadline == inf:
            self.deadline = self.loop.time() + self._message_seconds

    def _close_with_policy_violation(self, reason: str, text: str) -> None:
        """Close with 1008, discard what still comes, and abort soon after."""
        count_ended(reason)
        self._reading_stopped = True
        self.deadline = self.loop.time() + LINGER_SECONDS
        self.frames = []
        if not self.handshake_complete or self.close_sent:
            self.transport.abort()
            return
        self.stop_keepalive()
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": text}
        )
        self.conn.fail(POLICY_VIOLATION, text)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self.transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded_bytes += size
        if self._discarded_bytes > DRAIN_BYTES and not self.transport.is_closing():
            self.transport.pause_reading()

    def _reject_handshake(self) -> None:
        """Respond to what is not a handshake: a body, or a line that is too long."""
        count_ended("malformed")
        response = b"".join(self.conn.data_to_send())
        self.transport.write(
            response or plain_response(400, "The request is no WebSocket handshake.")
        )
        self._reading_stopped = True
        self.transport.close()


def _is_empty(frame: Frame) -> bool:
    return frame.opcode >= Opcode.CLOSE or (not frame.data and not frame.fin)
