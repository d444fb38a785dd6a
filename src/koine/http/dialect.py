"""What a dialect gives to the HTTP layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from koine.model.errors import NotFound, Refusal

if TYPE_CHECKING:
    from koine.http.request import AnyRequest, Response
    from koine.http.route import Routes
    from koine.http.socket import SocketHandler
    from koine.model.actor import Actor


class MethodNotAllowed(NotFound):
    """The path has routes, but not for this method. It is a NotFound, so that a dialect without a
    rule of its own renders it like a 404; the status is always 405, with an Allow header.
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("method")
        self.allowed = allowed


class Dialect(Protocol):
    """One HTTP API over the engine. Its attributes are read once, when the application is built.

    `prefixes`: the path prefixes it owns ("/api/v1/things"), in whole segments; a path belongs to
    the dialect with its longest prefix, which also renders the 404s below it. `security_schemes`:
    OpenAPI security schemes by name. `error_types`: the Struct of an error body by status
    (OpenAPI). `cors`: pages of any origin may call it, without credentials.
    """

    name: str
    title: str
    version: str
    description: str
    prefixes: tuple[str, ...]
    routes: Routes
    security_schemes: Mapping[str, Mapping[str, object]]
    error_types: Mapping[int, type]
    cors: bool

    async def authenticate(self, request: AnyRequest) -> Actor:
        """Give the caller, from headers, path and `params`; body and query are not read yet.

        Raises Unauthenticated, Forbidden, TooMany or any other Refusal.
        """

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """Render a refusal, with status and body in the dialect's shape.

        None stands for a crash: the dialect's 500. `route_known` False: no route has this path.
        """

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        """Give the extra headers of every response, also of errors (rate limits); {} for none."""


@runtime_checkable
class WebSocketDialect(Protocol):
    """A dialect with WebSockets, by exact path."""

    sockets: Mapping[str, SocketHandler]


@runtime_checkable
class Documented(Protocol):
    """A dialect whose OpenAPI document has a path of its own, beside `/openapi/<name>.json`."""

    document_path: str


@runtime_checkable
class FormatSuffixDialect(Protocol):
    """A dialect whose paths may end in a format (".json")."""

    def without_format(self, segments: list[str]) -> list[str]:
        """Give the path's segments without the format at their end."""


@runtime_checkable
class WriteBudgetDialect(Protocol):
    """A dialect whose callers have budgets for what they write."""

    def charge_write_budget(self, request: AnyRequest) -> None:
        """Charge a request, read whole, to the budgets of its caller. Raises TooMany."""


@runtime_checkable
class LocalisedDialect(Protocol):
    """A dialect that translates its error responses."""

    def localised(self, request: AnyRequest, response: Response) -> Response:
        """Translate what `error_response` gave, by the request's language. It must not raise."""
