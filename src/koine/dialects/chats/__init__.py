"""The chats dialect: Zaia's chats between an owner and a responder in a workspace
(docs/dialects/chats.md).

Each resource is a package: `chats` and `messages`, with `schemas`, `render` and `routes`. The
modules beside them serve both.
"""

from collections.abc import Mapping

from koine.dialects.chats import auth, encoder, errors
from koine.dialects.chats.chats.routes import routes as chat_routes
from koine.dialects.chats.messages.routes import routes as message_routes
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Response
from koine.http.route import Routes
from koine.model.actor import Actor
from koine.model.errors import Refusal


class ChatsDialect:
    """The dialect object; one for each application. `support_url` is the link in an error's call to
    action."""

    name = "chats"
    title = "Chats"
    version = "1.0.0"
    description = "Chats between an owner and a responder in a workspace."
    prefixes: tuple[str, ...] = ("/api/v1/chats", "/api/v1/chat-messages")
    security_schemes: Mapping[str, Mapping[str, object]] = {
        "apiKey": {"type": "apiKey", "in": "header", "name": "authorization"}
    }
    error_types: Mapping[int, type] = errors.TYPES
    cors = False
    document_path = "/openapi"
    """chats.md: `GET /openapi` serves this dialect's document."""

    def __init__(self, support_url: str = errors.SUPPORT_URL) -> None:
        self.routes = Routes()
        for routes in (chat_routes, message_routes, encoder.routes):
            self.routes.include(routes)
        self._support_url = support_url
        self._limiter = RateLimiter()

    async def authenticate(self, request: AnyRequest) -> Actor:
        """The actor of the API key. Raises Unauthenticated, Forbidden, TooMany."""
        return await auth.authenticate(request, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """The error body and status of a refusal; None is an unexpected error, a 500."""
        return errors.error_response(refusal, self._support_url)

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """The rate limit headers, where the key has a limit."""
        return request.rate.headers() if request.rate else {}
