"""The delivery dialect: conversations and messages around a delivery, for OnDi's clients."""

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

    async def authenticate(self, call: AnyRequest) -> Actor:
        """The caller behind the bearer token."""
        return await auth.authenticate(call, self._limiter)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """A refusal in the dialect's envelope, in English."""
        return errors.error_response(refusal)

    def localised(self, call: AnyRequest, answer: Response) -> Response:
        """The refusal in the language of the `language` query."""
        body = answer.body
        language = auth.query_value(call, "language")
        if language is None or not isinstance(body, Error | Crash):
            return answer
        told = structs.replace(body, message=translate(body.message, language))
        return Response(told, answer.status, answer.headers)

    def headers(self, call: AnyRequest) -> Mapping[str, str]:
        """No extra headers."""
        return {}
