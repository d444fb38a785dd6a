"""How a rig opens and reads a stream: the SSE stream of each dialect, and the native WebSocket."""

import base64
import json
import os
from collections.abc import Callable

import msgspec
from msgspec import Struct

from chaos.http_client import Request
from chaos.seeded_tenant import SeededTenant
from chaos.stream_parsers import Frames, ReceivedEvent, Sse, masked

_CREATED = b'"type":"message.created"'


class StreamProtocol(Struct, frozen=True):
    """`request_bytes` builds the request for the stream after a cursor ("": from now on), and
    `login_bytes` the first frame of a WebSocket, sent after the head of the response. Events of
    `message_kinds` are about a new message, whose text is at `text_path` of their JSON."""

    name: str
    request_bytes: Callable[[SeededTenant, str], bytes]
    message_kinds: frozenset[str]
    text_path: tuple[str, ...]
    parser: Callable[[], Sse | Frames] = Sse
    login_bytes: Callable[[SeededTenant, str], bytes] = lambda _tenant, _cursor: b""

    @property
    def status(self) -> int:
        """The status of a response that is a stream."""
        return 101 if self.parser is Frames else 200

    def message_key(self, event: ReceivedEvent) -> str:
        """The first word of the message that was created; "" if the event is another change."""
        if event.kind not in self.message_kinds or (
            event.kind == "event" and _CREATED not in event.data
        ):
            return ""
        value = msgspec.json.decode(event.data)
        for step in self.text_path:
            value = value[step]
        return str(value).split(" ", 1)[0]


def _sse(
    path: str, headers: Callable[[SeededTenant], dict[str, str]]
) -> Callable[[SeededTenant, str], bytes]:
    def request_bytes(tenant: SeededTenant, cursor: str) -> bytes:
        resume = {"Last-Event-ID": cursor} if cursor else {}
        return Request("GET", path, headers(tenant) | resume).encoded()

    return request_bytes


def _upgrade(_tenant: SeededTenant, _cursor: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
    }
    return Request("GET", "/v1/socket", headers).encoded()


def _login(tenant: SeededTenant, cursor: str) -> bytes:
    message = {"type": "hello", "token": tenant.tokens["ada"]} | (
        {"cursor": cursor} if cursor else {}
    )
    return masked(json.dumps(message).encode())


_CONTENT = ("data", "message", "content")
PROTOCOLS = {
    each.name: each
    for each in (
        StreamProtocol(
            "native",
            _sse("/v1/events", lambda tenant: tenant.bearer("ada")),
            frozenset({"message.created"}),
            _CONTENT,
        ),
        StreamProtocol("socket", _upgrade, frozenset({"event"}), _CONTENT, Frames, _login),
        StreamProtocol(
            "delivery",
            _sse("/messaging/events", lambda tenant: tenant.bearer("dan")),
            frozenset({"message.created"}),
            ("message", "content"),
        ),
        StreamProtocol(
            "chats",
            _sse("/api/v1/chats/events", lambda tenant: {"Authorization": tenant.key}),
            frozenset({"chat-message.created"}),
            ("chatMessage", "content"),
        ),
        StreamProtocol(
            "helpdesk",
            _sse("/api/v1/conversations/events", lambda tenant: {"X-API-Key": tenant.key}),
            frozenset({"message.sent", "message.received"}),
            ("data", "message", "text"),
        ),
    )
}
