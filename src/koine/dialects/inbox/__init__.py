"""The inbox dialect: Chatwoot's client ("public") API, as Omnivibe documents it."""

from collections.abc import Mapping

from koine.dialects.inbox.auth import authenticate
from koine.dialects.inbox.budgets import Budgets
from koine.dialects.inbox.errors import ERROR_TYPES, error_response
from koine.dialects.inbox.realtime.actioncable import ActionCableServer
from koine.dialects.inbox.routes import routes
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Response
from koine.http.socket import SocketHandler
from koine.model.actor import Actor
from koine.model.errors import Refusal

__all__ = ["InboxDialect"]


class InboxDialect:
    """For the clients of contacts, such as a widget on a website: every web origin may call."""

    name = "inbox"
    title = "Inbox API"
    version = "v1"
    description = (
        "Conversations for the client of a contact. There is no credential: the inbox identifier "
        "and the contact's source id in the path authorize a request. If the inbox requires an "
        "identity, or the contact has proved one, each request for the contact needs its hash, in "
        "the header X-Identifier-Hash or the query parameter identifier_hash."
    )
    prefixes: tuple[str, ...] = ("/public/api/v1", "/files", "/cable")
    routes = routes
    security_schemes: Mapping[str, Mapping[str, object]] = {}
    error_types: Mapping[int, type] = ERROR_TYPES
    cors = True

    def __init__(self) -> None:
        self._limiter = RateLimiter()
        self._budgets = Budgets()
        self.sockets: Mapping[str, SocketHandler] = {"/cable": ActionCableServer().serve}

    def without_format(self, segments: list[str]) -> list[str]:
        """The path without the `.json` that the original's routes allow (inbox.md, F); the name of
        a file is left as it is."""
        last = segments[-1]
        if segments[0] != "public" or not last.endswith(".json"):
            return segments
        return [*segments[:-1], last.removesuffix(".json")]

    async def authenticate(self, request: AnyRequest) -> Actor:
        """The contact that the path names. Raises TooMany, NotFound, Unauthenticated."""
        return await authenticate(request, self._limiter)

    def charge_write_budget(self, request: AnyRequest) -> None:
        """Count the bytes that the request may write. Raises TooMany."""
        request.dialect_notes["budgets"] = self._budgets
        self._budgets.charge_write_budget(request)

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """The error's status and body."""
        return error_response(refusal)

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """None: the original has no headers for its rate limits."""
        return {}
