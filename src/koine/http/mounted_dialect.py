"""A dialect as the application serves it: its compiled routes, its error responses, its headers."""

from __future__ import annotations

import structlog

from koine.engine.idempotency import KeyReused
from koine.http.compiled_route import CompiledRoute
from koine.http.cors import CORS, allowed_methods
from koine.http.dialect import Dialect, FormatSuffixDialect, LocalisedDialect, MethodNotAllowed
from koine.http.headers import RawHeaders, encode
from koine.http.rate_limits import RateLimited
from koine.http.request import AnyRequest, Response
from koine.http.request_metrics import RequestMetrics
from koine.http.response import RawResponse, encode_response
from koine.http.router import Router
from koine.kit import metrics
from koine.kit.settings import Settings
from koine.model.errors import Refusal, TooLarge, TooMany, Unauthenticated, Unavailable

_log = structlog.get_logger("koine.http")


class MountedDialect:
    """One dialect, with a `CompiledRoute` for each of its routes.

    Raises ValueError for a route outside the dialect's prefixes, or declared twice.
    """

    def __init__(self, dialect: Dialect, settings: Settings) -> None:
        self.dialect = dialect
        self.cors: RawHeaders = CORS if dialect.cors else []
        self.format_suffix = dialect if isinstance(dialect, FormatSuffixDialect) else None
        self.unrouted_metrics = RequestMetrics(dialect.name, "", "", logged=settings.access_log)
        self.router: Router[CompiledRoute] = Router()
        self._localised = dialect if isinstance(dialect, LocalisedDialect) else None
        for route in dialect.routes:
            _check_prefix(dialect, route.path)
            self.router.add(route.method, route.path, CompiledRoute(route, dialect, settings))

    def error_response(
        self, request: AnyRequest, refusal: Refusal, *, route_known: bool = True
    ) -> RawResponse:
        """Render a refusal in the dialect's shape, with the headers that HTTP wants for it."""
        if isinstance(refusal, RateLimited):
            request.rate = refusal.rate
        count_refusal(refusal)
        try:
            response = self._render(request, refusal, route_known)
            headers = {name.lower(): value for name, value in response.headers.items()}
            status = response.status or 500
            if isinstance(refusal, MethodNotAllowed):
                status, headers["allow"] = 405, ", ".join(allowed_methods(refusal.allowed))
            elif isinstance(refusal, KeyReused):
                status = 422
            elif isinstance(refusal, TooMany | Unavailable):
                headers.setdefault("retry-after", str(refusal.retry_after))
            elif isinstance(refusal, Unauthenticated):
                headers.setdefault("www-authenticate", "Bearer")
            return encode_response(Response(response.body, status, headers, response.media), status)
        except Exception:
            return self.crash_response(request)

    def crash_response(self, request: AnyRequest) -> RawResponse:
        """Log the exception being handled, and render the dialect's 500."""
        # The route's template, not the path: a path may contain a contact's secret.
        route = request.route.path if request.route else None
        _log.error("a request crashed", request_id=request.request_id, route=route, exc_info=True)
        try:
            return encode_response(self._render(request, None, True), 500)
        except Exception:
            _log.error(
                "an error response could not be rendered",
                request_id=request.request_id,
                exc_info=True,
            )
            body = {"error": "internal error", "request_id": request.request_id}
            return encode_response(body, 500)

    def common_headers(self, request: AnyRequest) -> RawHeaders:
        """The headers of every response: the request id, the dialect's own (rate limits), CORS."""
        common = [(b"x-request-id", request.request_id.encode())]
        try:
            extra = self.dialect.headers(request)
        except Exception:
            _log.error(
                "the response headers could not be made",
                request_id=request.request_id,
                exc_info=True,
            )
            extra = {}
        return common + encode(extra) + self.cors if extra else common + self.cors

    def _render(self, request: AnyRequest, refusal: Refusal | None, route_known: bool) -> Response:
        response = self.dialect.error_response(refusal, request.request_id, route_known)
        return self._localised.localised(request, response) if self._localised else response


def count_refusal(refusal: Refusal) -> None:
    """Count a refusal that operators want to know of."""
    match refusal:
        case Unavailable():
            metrics.DATABASE_UNAVAILABLE.inc()
        case TooMany(limit=limit):
            metrics.REQUESTS_REFUSED.labels(limit).inc()
        case TooLarge():
            metrics.REQUESTS_REFUSED.labels("body_size").inc()
        case Unauthenticated(reason=reason):
            metrics.UNAUTHENTICATED.labels(reason).inc()
        case _:
            pass


def _check_prefix(dialect: Dialect, path: str) -> None:
    if not any(f"{path}/".startswith(f"{p.rstrip('/')}/") for p in dialect.prefixes):
        raise ValueError(f"{path} is outside the prefixes of {dialect.name}")
