"""/metrics on the main port, for collectors that have the token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from koine.kit import metrics
from koine.kit.settings import Settings
from koine.kit.tokens import constant_time_equal

_BEARER = {"WWW-Authenticate": "Bearer"}


def routes(settings: Settings) -> list[Route]:
    """Give the route of /metrics when the settings have a token for it, else none."""
    if not settings.metrics_token:
        return []
    wanted = f"Bearer {settings.metrics_token}"

    async def page(request: Request) -> Response:
        if not constant_time_equal(request.headers.get("authorization", ""), wanted):
            return PlainTextResponse("a token is needed\n", 401, _BEARER)
        return Response(metrics.text(), media_type=metrics.CONTENT_TYPE)

    return [Route("/metrics", page)]
