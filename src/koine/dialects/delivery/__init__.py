"""The delivery dialect: OnDi's conversations and messages about a delivery of goods
(docs/dialects/delivery.md).

Each resource is a package: `conversations`, `messages` and `participants`, with `schemas`,
`render` and `routes`. The modules beside them serve all three.
"""

from collections.abc import Mapping

from msgspec import structs

from koine.dialects.delivery import auth, encoder, errors
from koine.dialects.delivery.conversations.routes import routes as conversation_routes
from koine.dialects.delivery.errors import Crash, Error
from koine.dialects.delivery.messages.routes import routes as message_routes
from koine.dialects.delivery.participants.routes import routes as participant_routes
from koine.dialects.delivery.translations import translate
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Response
from koine.http.route import Routes
from koine.model.actor import Actor
from koine.model.errors import Refusal


class DeliveryDialect:
    """The dialect object; one for each application."""

    name = "delivery"
    title = "OnDi Messaging"
    version = "1"
    description = "Conversations and messages around a delivery."
    prefixes: tuple[str, ...] = ("/messaging",)
    security_schemes: Mapping[str, Mapping[str, object]] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    error_types: Mapping[int, type] = errors.ERROR_TYPES
    cors = False

    def __init__(self) -> None:
        self.routes = Routes()
        for routes in (conversation_routes, message_routes, participant_routes, encoder.routes):
            self.routes.include(routes)
        self._limiter = RateLimiter()

    async def authenticate(self, request: AnyRequest) -> Actor:
        """The actor of the bearer token. Raises Unauthenticated, Forbidden, Invalid, NotFound,
        TooMany."""
        return await auth.authenticate(request, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """The error body and status of a refusal, in English; None is a 500."""
        return errors.error_response(refusal)

    def localised(self, request: AnyRequest, response: Response) -> Response:
        """An error response, translated into the `language` of the query."""
        body = response.body
        language = auth.query_value(request, "language")
        if language is None or not isinstance(body, Error | Crash):
            return response
        translated = structs.replace(body, message=translate(body.message, language))
        return Response(translated, response.status, response.headers)

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """None: the original documents no rate limit headers."""
        return {}
