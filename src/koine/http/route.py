"""Routes: a method and a path with its handler, and the types of its bodies."""

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
    """One method and path with its handler, and the types of its query, body and response.

    - `path`: has `{name}` segments; their values are in `Request.path`.
    - `body`, `query`: msgspec types; None: not read. `body_limit` replaces the setting, in bytes.
    - `forms`: also takes urlencoded and multipart bodies; the query merges into the body, which
      wins. `files` names the fields that may be files ("attachments").
    - `public`: not authenticated. `precheck` runs before its body is read, and may raise a Refusal.
    - `needs_realtime`: Unavailable in a process without realtime.
    - `idempotent` False: an Idempotency-Key is ignored.
    - `stores_own_key`: the handler writes its Idempotency-Key into the rows that it inserts
      (`idempotency.message_key`): run twice, it inserts once.
    - `replay`: a handler that responds in place of a stored response that was too large: it writes
      nothing and renders the current state, by the `Request.created_ids` of the first request.
    - `returns`: None is an empty body. `media`: the content type where that is not JSON.
    - `status`, `other_statuses`: for OpenAPI, the others have the type of `returns` unless a
      mapping names another. `path_types` is for OpenAPI, too: handlers check ids themselves.
    - `hidden`: not in the OpenAPI document.
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
    return the handler unchanged, so that one handler may have several routes.
    """

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def __len__(self) -> int:
        return len(self._routes)

    def add(self, route: Route) -> None:
        """Add a route. Raises ValueError when its method and path are taken."""
        if any(r.path == route.path and r.method == route.method for r in self._routes):
            raise ValueError(f"{route.method} {route.path} is declared twice")
        self._routes.append(route)

    def include(self, others: Iterable[Route]) -> None:
        """Add the routes of another module. Raises ValueError when one is taken."""
        for route in others:
            self.add(route)

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[HandlerT], HandlerT]:
        """Declare GET `path`; HEAD gives the same without the body."""
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
