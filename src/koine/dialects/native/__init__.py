"""The native API: everything the engine can do, as resources below /v1.

One package per resource, with the types of its bodies (schemas), the functions that make them of
the engine's types (render), and its routes.
"""

from collections.abc import Mapping
from functools import partial

from koine import __version__
from koine.dialects.native import auth, errors
from koine.dialects.native.realtime import websocket
from koine.dialects.native.routes import all_routes
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Response
from koine.http.socket import SocketHandler
from koine.model.actor import Actor
from koine.model.errors import Refusal


class NativeDialect:
    """The native dialect. Each instance has its own rate limits."""

    name = "native"
    title = "Koine API"
    version = __version__
    description = (
        "Everything the server can do: logins, users, API keys, inboxes, contacts, responders, "
        "deliveries, conversations, messages and the audit log. Lists are read by cursor, "
        "refusals are problems (RFC 9457)."
    )
    prefixes: tuple[str, ...] = ("/v1",)
    security_schemes: Mapping[str, Mapping[str, object]] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of a login, or an API key (`sk_…`).",
        },
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    error_types: Mapping[int, type] = errors.ERRORS
    error_media = errors.MEDIA
    cors = False

    def __init__(self) -> None:
        self._limiter = RateLimiter()
        self.routes = all_routes(self._limiter, RateLimiter(limit="logins"))
        serve = partial(websocket.serve, requests=self._limiter, command_limits=RateLimiter())
        self.sockets: Mapping[str, SocketHandler] = {"/v1/socket": serve}

    async def authenticate(self, request: AnyRequest) -> Actor:
        """The caller, by its access token or API key."""
        return await auth.authenticate(request, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """A refusal as a problem."""
        return errors.problem_response(refusal, request_id)

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """The rate limit headers, where there is a limit."""
        return request.rate.headers() if request.rate else {}


__all__ = ["NativeDialect"]
