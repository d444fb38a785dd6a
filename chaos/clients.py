"""The manners in which the chaos follow a node: each dialect's stream, and the native socket."""

import base64
import json
import os
from collections.abc import Callable

import msgspec
from msgspec import Struct

from chaos.http_client import Request
from chaos.seed import SeededTenant
from chaos.stream_parsers import Frames, ReceivedEvent, Sse, masked

_CREATED = b'"type":"message.created"'


class StreamProtocol(Struct, frozen=True):
    """`opening` are the bytes that ask for the stream from behind a cursor ("": from now on);
    `hello` those that a socket says once the head of the answer came. `kinds` are what an event is
    called when something was said; `place` is where its text is then."""

    name: str
    opening: Callable[[SeededTenant, str], bytes]
    kinds: frozenset[str]
    place: tuple[str, ...]
    parser: Callable[[], Sse | Frames] = Sse
    hello: Callable[[SeededTenant, str], bytes] = lambda _seeded, _cursor: b""

    @property
    def status(self) -> int:
        """What an answer begins with that is a stream."""
        return 101 if self.parser is Frames else 200

    def text_of(self, told: ReceivedEvent) -> str:
        """The first word of the message that the event is about; "" when nothing was said."""
        if told.kind not in self.kinds or (told.kind == "event" and _CREATED not in told.data):
            return ""
        found = msgspec.json.decode(told.data)
        for step in self.place:
            found = found[step]
        return str(found).split(" ", 1)[0]


def _sse(
    path: str, headers: Callable[[SeededTenant], dict[str, str]]
) -> Callable[[SeededTenant, str], bytes]:
    def opening(seeded: SeededTenant, cursor: str) -> bytes:
        back = {"Last-Event-ID": cursor} if cursor else {}
        return Request("GET", path, headers(seeded) | back).encoded()

    return opening


def _upgrade(_seeded: SeededTenant, _cursor: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    return Request("GET", "/v1/socket", asked).encoded()


def _hello(seeded: SeededTenant, cursor: str) -> bytes:
    said = {"type": "hello", "token": seeded.tokens["ada"]} | ({"cursor": cursor} if cursor else {})
    return masked(json.dumps(said).encode())


_CONTENT = ("data", "message", "content")
MANNERS = {
    each.name: each
    for each in (
        StreamProtocol(
            "native",
            _sse("/v1/events", lambda seeded: seeded.bearer("ada")),
            frozenset({"message.created"}),
            _CONTENT,
        ),
        StreamProtocol("socket", _upgrade, frozenset({"event"}), _CONTENT, Frames, _hello),
        StreamProtocol(
            "delivery",
            _sse("/messaging/events", lambda seeded: seeded.bearer("dan")),
            frozenset({"message.created"}),
            ("message", "content"),
        ),
        StreamProtocol(
            "chats",
            _sse("/api/v1/chats/events", lambda seeded: {"Authorization": seeded.key}),
            frozenset({"chat-message.created"}),
            ("chatMessage", "content"),
        ),
        StreamProtocol(
            "helpdesk",
            _sse("/api/v1/conversations/events", lambda seeded: {"X-API-Key": seeded.key}),
            frozenset({"message.sent", "message.received"}),
            ("data", "message", "text"),
        ),
    )
}
