"""Incremental parsers of SSE and WebSocket streams. Their input may end at any byte: what is not a
complete frame is kept until more bytes come."""

import os
import re

from msgspec import Struct

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
_HEAD_END = b"\r\n\r\n"


class ReceivedEvent(Struct, frozen=True):
    """One complete frame of a stream: its kind, its JSON, and the cursor after it ("" for none)."""

    kind: str
    data: bytes
    cursor: str


class UnexpectedStatus(Exception):
    """The response has another status than that of a stream: the argument."""


class Head:
    """Removes the head of a response from the bytes received; what follows is the stream."""

    def __init__(self, expected_status: int) -> None:
        self._expected_status = expected_status
        self._buffer = b""
        self.is_complete = False

    def feed(self, data: bytes) -> bytes:
        """Return the bytes after the head. Raises UnexpectedStatus."""
        if self.is_complete:
            return data
        self._buffer += data
        head, separator, rest = self._buffer.partition(_HEAD_END)
        if not separator:
            return b""
        status = int(head.split(b" ", 2)[1])
        if status != self._expected_status:
            raise UnexpectedStatus(status)
        self.is_complete, self._buffer = True, b""
        return rest


class Chunks:
    """Decodes the chunked transfer coding."""

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Return the decoded bytes, those of an incomplete chunk included."""
        buffer, decoded, at = self._buffer + data, [], 0
        while at < len(buffer):
            if self._left > 2:
                part = buffer[at : at + self._left - 2]
                decoded.append(part)
                at += len(part)
                self._left -= len(part)
            elif self._left:
                skipped = min(self._left, len(buffer) - at)
                at += skipped
                self._left -= skipped
            else:
                end = buffer.find(b"\r\n", at)
                if end < 0:
                    break
                self._left = int(buffer[at:end], 16) + 2
                at = end + 2
        self._buffer = buffer[at:]
        return b"".join(decoded)


class Sse:
    """Server-sent events over HTTP/1.1."""

    def __init__(self) -> None:
        self._chunks = Chunks()
        self._buffer = b""

    def feed(self, data: bytes) -> list[ReceivedEvent]:
        """Return the events that are now complete."""
        *whole, self._buffer = (self._buffer + self._chunks.feed(data)).split(b"\n\n")
        return [_event(each) for each in whole]


class Frames:
    """The frames of the native WebSocket: text frames, and the close frame."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[ReceivedEvent]:
        """Return the frames that are now complete."""
        buffer, at, events = self._buffer + data, 0, []
        while (frame := _frame(buffer, at)) is not None:
            opcode, start, at = frame
            if opcode == TEXT:
                events.append(_text(buffer[start:at]))
            elif opcode == CLOSE:
                events.append(ReceivedEvent("closed", buffer[start:at], ""))
        self._buffer = buffer[at:]
        return events


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A WebSocket frame of a client, whose payload must be masked."""
    mask, size = os.urandom(4), len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    key = (mask * (size // 4 + 1))[:size]
    both = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + both.to_bytes(size, "big")


def _event(text: bytes) -> ReceivedEvent:
    fields = {
        name: value for name, _, value in (line.partition(b": ") for line in text.split(b"\n"))
    }
    kind, data = fields.get(b"event", b"beat"), fields.get(b"data", b"")
    return ReceivedEvent(kind.decode(), data, fields.get(b"id", b"").decode())


_SOCKET_EVENT = re.compile(rb'\{"type":"event","cursor":"([^"]+)","event":(.*)\}', re.DOTALL)
_SOCKET_OTHER = re.compile(rb'\{"type":"([a-z]+)"(?:.*?"cursor":"([^"]+)")?', re.DOTALL)


def _text(text: bytes) -> ReceivedEvent:
    if found := _SOCKET_EVENT.fullmatch(text):
        return ReceivedEvent("event", found[2], found[1].decode())
    other = _SOCKET_OTHER.match(text)
    assert other is not None, text
    return ReceivedEvent(other[1].decode(), text, (other[2] or b"").decode())


def _frame(buffer: bytes, at: int) -> tuple[int, int, int] | None:
    """The opcode of the frame at `at`, where its payload begins and ends; None: incomplete."""
    if len(buffer) < at + 2:
        return None
    size, start = buffer[at + 1] & 0x7F, at + 2
    if size > 125:
        size_bytes = 2 if size == 126 else 8
        size, start = int.from_bytes(buffer[start : start + size_bytes], "big"), start + size_bytes
    return (buffer[at] & 0x0F, start, start + size) if len(buffer) >= start + size else None
