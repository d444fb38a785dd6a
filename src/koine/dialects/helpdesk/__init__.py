"""The helpdesk dialect: G-Tateth CRM's conversations (docs/dialects/helpdesk.md).

Each resource is a package: `directory`, `conversations`, `messages` and `webhooks`, with
`schemas`, `render` and `routes`. The modules beside them serve all of these; `events` has the names
and data that the stream and the webhooks share.
"""

from collections.abc import Mapping

from koine.dialects.helpdesk import auth, errors
from koine.dialects.helpdesk.routes import routes
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Response
from koine.kit.clock import Clock, SystemClock
from koine.model.actor import Actor
from koine.model.errors import Refusal


class HelpdeskDialect:
    """The dialect object; one for each application."""

    name = "helpdesk"
    title = "Helpdesk"
    version = "1"
    description = "Conversations between agents and customers, as G-Tateth CRM has them."
    prefixes: tuple[str, ...] = (
        "/api/v1/conversations", "/api/v1/inboxes", "/api/v1/users", "/api/v1/webhooks",
        "/api/v1/health",
    )  # fmt: skip
    routes = routes
    security_schemes: Mapping[str, Mapping[str, object]] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`sk_live_…`, `sk_test_…`) or a user's access token.",
        },
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    error_types: Mapping[int, type] = errors.ERRORS
    cors = False

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._limiter = RateLimiter()

    async def authenticate(self, request: AnyRequest) -> Actor:
        """The actor. Raises Unauthenticated, Forbidden, TooMany."""
        return await auth.authenticate(request, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """The error body and status of a refusal; None is an unexpected error, a 500."""
        return errors.error_response(refusal, request_id, self._clock.now())

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """The rate limit headers."""
        return auth.rate_headers(request, self._limiter)
