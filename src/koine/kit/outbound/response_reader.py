"""Parses one response as its bytes arrive, up to limits of its size."""

import httptools

from koine.kit.outbound.message import RequestFailed

MAX_HEAD_BYTES = 32 * 1024
"""Bytes of status lines, headers and trailers."""
_MAX_FRAMING_RATIO = 16
"""Bytes of chunk framing for each byte of the body: more is taken for an attack."""


class ResponseReader:
    """One response so far. `complete` once it is whole, or its body longer than `limit`."""

    def __init__(self, limit: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.truncated = False
        self.complete = False
        self.bytes_received = 0
        self._limit = limit
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._head_done = False
        self._keep_alive = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The body, truncated at the limit."""
        return b"".join(self._body)

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request."""
        return not self.truncated and self._keep_alive

    def feed(self, data: bytes) -> None:
        """Parse bytes. Raises RequestFailed for bad HTTP and for too many headers."""
        self.bytes_received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise RequestFailed("the response changes the protocol") from None
        except httptools.HttpParserError:
            self._keep_alive = False
            if not self.complete:
                raise RequestFailed("the response is not HTTP") from None
        most = (
            MAX_HEAD_BYTES
            if not self._head_done
            else MAX_HEAD_BYTES + _MAX_FRAMING_RATIO * self._limit
        )
        if self._head_bytes > MAX_HEAD_BYTES or (self.bytes_received > most and not self.complete):
            raise RequestFailed("the response has too many headers")

    def end(self) -> None:
        """The server closed the connection. Raises RequestFailed unless that ends the response."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self._head_done or framed:
            raise RequestFailed("the connection was closed before the response was complete")
        self.complete = True

    # Called by the parser

    def on_message_begin(self) -> None:
        """A status line; after the end of the response it is one without a request."""
        self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is ignored."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_done or self._head_bytes > MAX_HEAD_BYTES:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self.status = self._parser.get_status_code()
        self._head_done = True
        # The parser knows this only between here and the end of the message.
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        left = self._limit - self._body_bytes
        if len(data) > left:
            data, self.truncated, self.complete = data[:left], True, True
        self._body_bytes += len(data)
        if data:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The end of a response; an interim one (1xx) is followed by the final one."""
        if self.status < 200:
            self.headers, self._head_done = {}, False
        else:
            self.complete = True
