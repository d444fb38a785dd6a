"""The API documentation: /openapi.json, /openapi/<dialect>.json, and the page /docs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from pathlib import PurePath

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from koine.http.dialect import Dialect, Documented
from koine.http.openapi import document
from koine.kit.settings import Settings

Serve = Callable[[Request], Awaitable[Response]]

_JSON = "application/json"
_FRESH = {"cache-control": "no-cache"}
_PAGE_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    **_FRESH,
}
_PAGE = files("koine.http") / "page"
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def routes(dialects: Sequence[Dialect], settings: Settings) -> list[BaseRoute]:
    """The routes of the OpenAPI documents and of the page that shows them."""
    server = settings.base_url.rstrip("/") or "/"
    found: list[BaseRoute] = [Route("/openapi.json", _static(_index(dialects), _JSON))]
    for dialect in dialects:
        serve = _static(msgspec.json.encode(document(dialect, server)), _JSON)
        found.append(Route(f"/openapi/{dialect.name}.json", serve))
        if isinstance(dialect, Documented):
            found.append(Route(dialect.document_path, serve))
    return [*found, *_pages()]


def _pages() -> list[BaseRoute]:
    found: list[BaseRoute] = [Route("/", _to_docs)]
    for file in sorted(_PAGE.iterdir(), key=lambda file: file.name):
        if file.name == "index.html":
            found.append(Route("/docs", _static(file.read_bytes(), "text/html")))
        elif media := _MEDIA.get(PurePath(file.name).suffix):
            found.append(Route(f"/docs/{file.name}", _static(file.read_bytes(), media)))
    return found


def _index(dialects: Sequence[Dialect]) -> bytes:
    documents = [
        {"name": d.name, "title": d.title, "url": f"/openapi/{d.name}.json"} for d in dialects
    ]
    return msgspec.json.encode({"documents": documents})


def _static(content: bytes, media: str) -> Serve:
    headers = _FRESH if media == _JSON else _PAGE_HEADERS

    async def serve(_request: Request) -> Response:
        return Response(content, headers=headers, media_type=media)

    return serve


async def _to_docs(_request: Request) -> Response:
    return RedirectResponse("/docs", 307)
