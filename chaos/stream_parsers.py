"""Streams taken apart by hand, byte by byte: a cut in the middle of a frame leaves half a frame."""

import os
import re

from msgspec import Struct

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
_HEAD_END = b"\r\n\r\n"


class ReceivedEvent(Struct, frozen=True):
    """One frame of a stream, whole: its kind, its JSON, and the cursor behind it ("" for none)."""

    kind: str
    data: bytes
    cursor: str


class UnexpectedStatus(Exception):
    """The server answered, but with another status than that of a stream: the argument."""


class Head:
    """Takes the head of an answer off the bytes that come; what follows is the stream."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._held = b""
        self.over = False

    def feed(self, data: bytes) -> bytes:
        """Give what follows the head. Raises Refused."""
        if self.over:
            return data
        self._held += data
        head, ended, rest = self._held.partition(_HEAD_END)
        if not ended:
            return b""
        status = int(head.split(b" ", 2)[1])
        if status != self._wanted:
            raise UnexpectedStatus(status)
        self.over, self._held = True, b""
        return rest


class Chunks:
    """Chunked transfer taken off."""

    def __init__(self) -> None:
        self._held = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Give what the bytes hold; a half chunk, too."""
        held, made, at = self._held + data, [], 0
        while at < len(held):
            if self._left > 2:
                part = held[at : at + self._left - 2]
                made.append(part)
                at += len(part)
                self._left -= len(part)
            elif self._left:
                skipped = min(self._left, len(held) - at)
                at += skipped
                self._left -= skipped
            else:
                end = held.find(b"\r\n", at)
                if end < 0:
                    break
                self._left = int(held[at:end], 16) + 2
                at = end + 2
        self._held = held[at:]
        return b"".join(made)


class Sse:
    """Server-sent events over HTTP/1.1."""

    def __init__(self) -> None:
        self._chunks = Chunks()
        self._held = b""

    def feed(self, data: bytes) -> list[ReceivedEvent]:
        """Give the events that are now whole."""
        *whole, self._held = (self._held + self._chunks.feed(data)).split(b"\n\n")
        return [_event(each) for each in whole]


class Frames:
    """A server's WebSocket frames: texts of the native socket."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[ReceivedEvent]:
        """Give the texts that are now whole."""
        held, at, found = self._held + data, 0, []
        while (frame := _frame(held, at)) is not None:
            opcode, begins, at = frame
            if opcode == TEXT:
                found.append(_text(held[begins:at]))
            elif opcode == CLOSE:
                found.append(ReceivedEvent("closed", held[begins:at], ""))
        self._held = held[at:]
        return found


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame."""
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


def _frame(held: bytes, at: int) -> tuple[int, int, int] | None:
    """The opcode of the frame at `at`, where its payload begins and where it ends."""
    if len(held) < at + 2:
        return None
    size, begins = held[at + 1] & 0x7F, at + 2
    if size > 125:
        wide = 2 if size == 126 else 8
        size, begins = int.from_bytes(held[begins : begins + wide], "big"), begins + wide
    return (held[at] & 0x0F, begins, begins + size) if len(held) >= begins + size else None
