"""One answer, read as it comes in, and no further than the limits."""

import httptools

from koine.kit.outbound.message import Failed

MAX_HEAD = 32 * 1024
"""Bytes of status lines, headers and trailers."""
_OVERHEAD = 16
"""How much chunking may add to a body: beyond this it is not an answer but an attack."""


class Answer:
    """An answer so far. `done` once it is whole, or its body longer than `limit`."""

    def __init__(self, limit: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.cut = False
        self.done = False
        self.seen = 0
        self._limit = limit
        self._body: list[bytes] = []
        self._size = 0
        self._head = 0
        self._head_done = False
        self._stays = False
        self._reader = httptools.HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The body, cut at the limit."""
        return b"".join(self._body)

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request."""
        return not self.cut and self._stays

    def feed(self, data: bytes) -> None:
        """Read on. Raises Failed for what is no HTTP and for endless headers."""
        self.seen += len(data)
        try:
            self._reader.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise Failed("the answer changes the protocol") from None
        except httptools.HttpParserError:
            self._stays = False
            if not self.done:
                raise Failed("the answer is no HTTP") from None
        most = MAX_HEAD if not self._head_done else MAX_HEAD + _OVERHEAD * self._limit
        if self._head > MAX_HEAD or (self.seen > most and not self.done):
            raise Failed("the answer has too many headers")

    def end(self) -> None:
        """The other side has closed. Raises Failed when that does not end an answer."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self._head_done or framed:
            raise Failed("the connection was closed before the answer was whole")
        self.done = True

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A status line; after the end of the answer it is one that nobody asked for."""
        self._stays = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody reads."""
        self._head += len(name) + len(value) + 4
        if self._head_done or self._head > MAX_HEAD:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.status = self._reader.get_status_code()
        self._head_done = True
        # The parser knows only between here and the end.
        self._stays = self._reader.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        room = self._limit - self._size
        if len(data) > room:
            data, self.cut, self.done = data[:room], True, True
        self._size += len(data)
        if data:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """The end; an interim answer (1xx) has none that counts."""
        if self.status < 200:
            self.headers, self._head_done = {}, False
        else:
            self.done = True
