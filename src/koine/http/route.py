"""What a dialect says about one path: method, types, status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, Unpack

if TYPE_CHECKING:
    from koine.http.request import AnyRequest

PathType = Literal["uuid", "integer", "string"]
Handler = Callable[..., Awaitable[object]]
HandlerT = TypeVar("HandlerT", bound=Handler)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path and method, and the types its bytes are read into and written from.

    `path` has `{name}` segments. `body` and `query` are msgspec types (None: not read).
    `returns` None is an empty body. `other_statuses` are documented beside `status`, with the same
    type unless a mapping names another. `public` routes are not authenticated. `forms` routes also
    take urlencoded and multipart bodies, and the query merges into the body (the body wins).
    `path_types` only describes (OpenAPI): a handler checks the ids itself. `media` is the
    content type of an answer that is not JSON (a file, an event stream). `body_limit` replaces
    the setting, in bytes. `hidden` routes are not in the OpenAPI document. `once` False: an
    Idempotency-Key is not looked at. `files` names a forms route's upload fields ("attachments").
    `live` routes need a relay: without one they are Unavailable. `keyed` routes write their
    Idempotency-Key with what they write (`idempotency.message_key`): run twice, they write once.
    `again` answers in place of an answer that was too large to be kept: it writes nothing and shows
    what is there now, `call.made` being what the first call noted there.
    `admit` is asked of a public route's call before its body is read; it may raise a Refusal.
    """

    method: str
    path: str
    handler: Handler
    body: type | None = None
    query: type | None = None
    returns: type | None = None
    status: int = 200
    other_statuses: tuple[int, ...] | Mapping[int, type | None] = ()
    public: bool = False
    forms: bool = False
    summary: str = ""
    tags: tuple[str, ...] = ()
    path_types: dict[str, PathType] | None = None
    media: str = "application/json"
    body_limit: int | None = None
    hidden: bool = False
    idempotent: bool = True
    files: tuple[str, ...] = ()
    needs_realtime: bool = False
    stores_own_key: bool = False
    replay: Handler | None = None
    precheck: Callable[[AnyRequest], None] | None = None


class RouteOptions(TypedDict, total=False):
    """The keywords of `Route` that the decorators take."""

    body: type | None
    query: type | None
    returns: type | None
    status: int
    other_statuses: tuple[int, ...] | Mapping[int, type | None]
    public: bool
    forms: bool
    summary: str
    tags: tuple[str, ...]
    path_types: dict[str, PathType]
    media: str
    body_limit: int
    hidden: bool
    idempotent: bool
    files: tuple[str, ...]
    needs_realtime: bool
    stores_own_key: bool
    replay: Handler | None
    precheck: Callable[[AnyRequest], None] | None


class Routes:
    """The routes of one dialect, in the order they were declared.

    The decorators take every keyword of `Route` (`body=`, `query=`, `returns=`, `status=` …) and
    give the handler back unchanged, so one handler may carry several routes.
    """

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def add(self, route: Route) -> None:
        """Add a route made elsewhere. Raises ValueError when path and method are taken."""
        if any(r.path == route.path and r.method == route.method for r in self._routes):
            raise ValueError(f"{route.method} {route.path} is declared twice")
        self._routes.append(route)

    def include(self, others: Iterable[Route]) -> None:
        """Add the routes of another file. Raises ValueError when one is taken."""
        for route in others:
            self.add(route)

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare GET `path`; HEAD answers the same without its body."""
        return self._declare("GET", path, options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare POST `path`."""
        return self._declare("POST", path, options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare PUT `path`."""
        return self._declare("PUT", path, options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare PATCH `path`."""
        return self._declare("PATCH", path, options)

    def update(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare PUT and PATCH `path`, where the two do the same."""
        put, patch = self.put(path, **options), self.patch(path, **options)
        return lambda handler: patch(put(handler))

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare DELETE `path`."""
        return self._declare("DELETE", path, options)

    def _declare(
        self, method: str, path: str, options: RouteOptions
    ) -> Callable[[HandlerT], HandlerT]:
        def keep(handler: HandlerT) -> HandlerT:
            self.add(Route(method=method, path=path, handler=handler, **options))
            return handler

        return keep
