"""The routes that belong to no dialect: health, metrics, API documentation, the lifespan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from koine.http import docs, health, metrics
from koine.http.dialect import Dialect
from koine.http.headers import has
from koine.http.health import ReadinessChecks
from koine.http.request import Message, Receive, Scope, Send
from koine.kit.settings import Settings


class UnroutedRequest(NamedTuple):
    """The log context of a request outside of all dialects."""

    request_id: str

    def log_context(self) -> dict[str, str]:
        """The fields of every line logged during the request."""
        return {"request_id": self.request_id}


class OperationalApp:
    """A Starlette application whose responses have the same common headers as a dialect's."""

    def __init__(
        self,
        dialects: Sequence[Dialect],
        settings: Settings,
        ready: ReadinessChecks | None,
    ) -> None:
        pages = docs.routes(dialects, settings) if settings.docs_enabled else []
        self._app = Starlette(
            routes=[*health.routes(ready), *metrics.routes(settings), *pages],
            exception_handlers={HTTPException: _http_error, Exception: _crash},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Serve one ASGI scope; `request_id` is "" for the lifespan."""
        if not request_id:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_common(list(message.get("headers", [])), request_id)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _with_common(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    headers += [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
    if not has(headers, b"cache-control"):
        headers.append((b"cache-control", b"no-store"))
    return headers


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, dict(error.headers or {}))


async def _crash(_request: Request, _error_: Exception) -> Response:
    return _error(500, "Internal Server Error", {})


def _error(status: int, message: str, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode({"error": {"status": status, "message": message}})
    return Response(body, status, headers, media_type="application/json")
