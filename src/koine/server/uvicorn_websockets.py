"""uvicorn's WebSockets, with bounds on the frames of a connection and on unfinished messages."""

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
"""Bytes that are read before frames are counted: some hundreds of the smallest."""
EMPTY_FRAME_WEIGHT = 5
"""A ping, a pong or an empty fragment counts as so many frames."""
_MINUTE = 60.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSockets. `deadline` is when a message that has begun must be whole."""

    def __init__(self, config: UvicornConfig, *given: Any, **more: Any) -> None:
        super().__init__(config, *given, **more)
        self._connections = config.connections
        self._most_frames = config.settings.socket_messages_per_minute
        self._message_seconds = config.settings.head_seconds
        self.deadline = inf
        self._frame_count = 0
        self._window_start = 0.0
        self._stopped = False
        self._drained = 0

    def connection_made(self, transport: Any) -> None:
        """An HTTP connection has become a WebSocket."""
        super().connection_made(transport)
        self._connections.add(self, self.client)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._connections.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read some bytes, a little at a time."""
        for at in range(0, len(data), READ_SLICE_BYTES):
            if self._stopped or self.transport.is_closing():
                self._discard(len(data) - at)
                return
            self.conn.receive_data(data[at : at + READ_SLICE_BYTES])
            if self.conn.handshake_exc is not None:
                self._refuse()
                return
            if self._is_flood():
                self._end("frames", "too many frames")
            elif self.conn.parser_exc is not None:
                self.handle_parser_exception()
            else:
                self.handle_events()
        self._check_message()

    def handle_connect(self, event: Request) -> None:
        """A handshake came: its scope is made, and seen by the application in the next turn."""
        super().handle_connect(event)
        if "scope" in vars(self):
            vars(self)["scope"][ABORT] = self.transport.abort

    def keepalive_timeout(self) -> None:
        """No answer to a ping: nobody is there who would read the rest."""
        super().keepalive_timeout()
        self.transport.abort()

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""
        if self._stopped:
            self.transport.abort()
        elif self.read_paused:
            self.deadline = now + self._message_seconds  # it waits for us
        else:
            self._end("message_time", "the message took too long")

    def _is_flood(self) -> bool:
        """Count the frames that came, in windows of a minute."""
        frames = [event for event in self.conn.events if isinstance(event, Frame)]
        if not frames or not self._most_frames:
            return False
        now = self.loop.time()
        if now - self._window_start > _MINUTE:
            self._window_start, self._frame_count = now, 0
        self._frame_count += sum(EMPTY_FRAME_WEIGHT if _is_empty(frame) else 1 for frame in frames)
        return self._frame_count > self._most_frames

    def _check_message(self) -> None:
        """Whether a frame or a message has begun that is not whole."""
        if self._stopped:
            return
        if self.conn.current_size is None and not self.conn.reader.buffer:
            self.deadline = inf
        elif self.deadline == inf:
            self.deadline = self.loop.time() + self._message_seconds

    def _end(self, reason: str, text: str) -> None:
        """Close with 1008, and leave time to read that: more is not read meanwhile."""
        count_ended(reason)
        self._stopped = True
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
        self._drained += size
        if self._drained > DRAIN_BYTES and not self.transport.is_closing():
            self.transport.pause_reading()

    def _refuse(self) -> None:
        """What came is no handshake: a body, or a line that is too long."""
        count_ended("malformed")
        said = b"".join(self.conn.data_to_send())
        self.transport.write(said or plain_response(400, "The request is no WebSocket handshake."))
        self._stopped = True
        self.transport.close()


def _is_empty(frame: Frame) -> bool:
    return frame.opcode >= Opcode.CLOSE or (not frame.data and not frame.fin)
