"""Chats between an owner and a responder in a workspace (docs/dialects/chats.md)."""

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
    """The dialect object. `support_url` is where an error's call to action sends people."""

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

    async def authenticate(self, call: AnyRequest) -> Actor:
        """Who calls: an API key. Raises Unauthenticated, Forbidden, TooMany."""
        return await auth.authenticate(call, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """The refusal in this dialect's shape; None is the 500."""
        return errors.error_response(refusal, self._support_url)

    def headers(self, call: AnyRequest) -> Mapping[str, str]:
        """How many calls the key has left."""
        return call.rate.headers() if call.rate else {}
