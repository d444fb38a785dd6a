"""Requests to an ASGI application without an HTTP client: fast enough for tens of thousands."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec


class Reply(msgspec.Struct):
    """A response."""

    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.content)

    @property
    def text(self) -> str:
        """The body as text, for messages of assertions."""
        return self.content.decode("utf-8", "replace")


class Caller:
    """An application; every request has `headers`."""

    def __init__(self, app: Any, headers: Mapping[str, str] | None = None) -> None:
        self.app = app
        self.headers = dict(headers or {})

    def with_headers(self, headers: Mapping[str, str]) -> "Caller":
        """The same application with other headers."""
        return Caller(self.app, headers)

    async def __call__(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        **more: str,
    ) -> Reply:
        """Send one request: `body` as JSON, or `raw` as it is; `more` are headers."""
        headers = self.headers | {name.replace("_", "-"): value for name, value in more.items()}
        sent = msgspec.json.encode(body) if raw is None and body is not None else raw or b""
        if sent:
            headers = {"content-type": "application/json", **_lower(headers)}
            headers["content-length"] = str(len(sent))
        call = _Call(sent)
        await self.app(_scope(method, url, headers), call.receive, call.send)
        return Reply(call.status, call.headers, b"".join(call.chunks))


class _Call:
    def __init__(self, body: bytes) -> None:
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": body, "more_body": False}
        ]
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: list[bytes] = []

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop() if self._messages else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode("latin-1") for k, v in message["headers"]}
        else:
            self.chunks.append(message.get("body", b""))


def _scope(method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": parts.path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": parts.query.encode("utf-8", "surrogatepass"),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in _lower(headers).items()],
        "client": ("192.0.2.1", 1234), "server": ("koine.test", 80),
    }  # fmt: skip


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
