"""What the HTTP floor asks of a dialect."""

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
    """The path is known, the method is not. A NotFound, so a dialect that does not look closer
    answers in its 404 shape; the HTTP floor sets status 405 and the Allow header either way.
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("method")
        self.allowed = allowed


class Dialect(Protocol):
    """One HTTP language. All attributes are read once, when the application is built.

    `prefixes`: the path prefixes it owns ("/api/v1/things"), whole segments; the longest owned
    prefix of a path decides who answers, also the 404s below it. `security_schemes`: OpenAPI
    security schemes by name. `error_types`: the Struct of an error body by status (OpenAPI).
    `cors`: any origin may call, without credentials.
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

    async def authenticate(self, call: AnyRequest) -> Actor:
        """Say who calls, from headers, path and `params`; body and query are not read yet.

        Raises Unauthenticated, Forbidden, TooMany or any other Refusal.
        """

    def error_response(
        self, refusal: Refusal | None, request_id: str, route_known: bool
    ) -> Response:
        """Make the answer for a refusal, with status and body in the dialect's shape.

        None is a crash: the dialect's 500. `route_known` False: no route has this path.
        """

    def headers(self, call: AnyRequest) -> Mapping[str, str]:
        """Give extra headers of every answer, refusals too (rate limits); {} for none."""


@runtime_checkable
class WebSocketDialect(Protocol):
    """A dialect with WebSockets: beside `Dialect`, where it has any. By path, whole and exact."""

    sockets: Mapping[str, SocketHandler]


@runtime_checkable
class Documented(Protocol):
    """A dialect whose OpenAPI document has a path of its own, beside `/openapi/<name>.json`."""

    document_path: str


@runtime_checkable
class FormatSuffixDialect(Protocol):
    """A dialect whose paths may end in a format: beside `Dialect`, where they may."""

    def without_format(self, segments: list[str]) -> list[str]:
        """Give the path's segments without the format at their end."""


@runtime_checkable
class WriteBudgetDialect(Protocol):
    """A dialect whose callers have budgets for what they write: beside `Dialect`, where they do."""

    def charge_write_budget(self, call: AnyRequest) -> None:
        """Take a call that was read off the budgets of who calls. Raises TooMany."""


@runtime_checkable
class LocalisedDialect(Protocol):
    """A dialect whose refusals speak the caller's language: beside `Dialect`, where it applies."""

    def localised(self, call: AnyRequest, answer: Response) -> Response:
        """Give what `refuse` made in the language `call` asks for. It must not raise."""
