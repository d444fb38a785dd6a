"""What a handler receives (`Request`) and may return (`Response`, `StreamingResponse`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from koine.http.address import base_url, client_ip, is_trusted, rate_limit_ip
from koine.http.headers import Headers
from koine.model.actor import Actor, at_address
from koine.model.errors import Unavailable

if TYPE_CHECKING:
    from koine.engine.core.engine import Engine
    from koine.http.address import Networks
    from koine.http.idempotency import IdempotencyStore
    from koine.http.rate_limits import Rate
    from koine.http.route import Route
    from koine.http.stream_capacity import StreamCapacity
    from koine.realtime.realtime import Realtime

# The three callables of ASGI, as its specification types them.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_READING = ("GET", "HEAD", None)
"""Methods that change nothing; a WebSocket has none."""

B = TypeVar("B")
Q = TypeVar("Q")


class Upload(Protocol):
    """One file of a multipart body, spooled to disk; deleted when the request ends."""

    name: str
    content_type: str
    size: int
    field: str

    async def read(self, size: int = -1) -> bytes:
        """Give the next `size` bytes (all that is left by default)."""

    async def close(self) -> None:
        """Delete the spooled bytes; the application calls it after the handler."""


@dataclass(frozen=True)
class AppContext:
    """What all requests of one application share."""

    engine: Engine
    trusted_proxies: Networks
    public_url: str
    idempotency: IdempotencyStore | None = None
    realtime: Realtime | None = None
    capacity: StreamCapacity | None = None


class Request(Generic[B, Q]):
    """One request, read and checked: `body` and `query` are the route's Structs.

    - `actor`: what `Dialect.authenticate` gave. A public route has none unless its handler sets it.
    - `raw_query`, `params`: the query before it is a Struct, for `authenticate`, which runs first.
    - `rate`: set by a dialect's rate limiter, for `Dialect.headers`.
    - `dialect_notes`: what a dialect keeps on the request for itself.
    - `payload_digest`: SHA-256 of the payload under an Idempotency-Key, else "".
    - `payload_bytes`: bytes of text in query and body.
    - `extra_credential`: what the headers prove beside the actor; part of the digest.
    - `created_ids`: ids of what the handler created, stored with the Idempotency-Key for
      `Route.replay`.
    - `capacity_slots`: what this request counts for in `StreamCapacity`, until it ends.
    - `started`: `perf_counter()` when the request came in.
    """

    __slots__ = (
        "_actor",
        "_client_ip",
        "body",
        "capacity_slots",
        "context",
        "created_ids",
        "dialect",
        "dialect_notes",
        "extra_credential",
        "files",
        "headers",
        "path",
        "payload_bytes",
        "payload_digest",
        "query",
        "rate",
        "raw_query",
        "request_id",
        "route",
        "scope",
        "started",
    )

    body: B
    query: Q

    def __init__(
        self, context: AppContext, scope: Scope, headers: Headers, request_id: str
    ) -> None:
        self.context = context
        self.scope = scope
        self.headers = headers
        self.request_id = request_id
        self.route: Route | None = None
        self.path: dict[str, str] = {}
        self.raw_query: Mapping[str, list[str]] = {}
        self.files: list[Upload] = []
        self.capacity_slots: list[str] = []
        self.rate: Rate | None = None
        self.dialect_notes: dict[str, object] = {}
        self.dialect = ""
        self.payload_digest = ""
        self.created_ids = ""
        self.extra_credential = ""
        self.payload_bytes = 0
        self.started = perf_counter()
        self._actor: Actor | None = None
        self._client_ip: str | None = None

    @property
    def engine(self) -> Engine:
        """The engine that all operations are called with."""
        return self.context.engine

    @property
    def realtime(self) -> Realtime:
        """Where streams subscribe to events. Raises Unavailable in a process without realtime."""
        if self.context.realtime is None:
            raise Unavailable()
        return self.context.realtime

    @property
    def actor(self) -> Actor:
        """The authenticated caller. Raises RuntimeError on a public route that set none."""
        if self._actor is None:
            raise RuntimeError("this route is public: there is no actor")
        return self._actor

    @actor.setter
    def actor(self, actor: Actor) -> None:
        # What a GET does is in no audit log, and streams compare the actors of their readers.
        reads = self.scope.get("method") in _READING
        self._actor = actor if reads else at_address(actor, self.client_ip)

    @property
    def known_actor(self) -> Actor | None:
        """The authenticated caller, or None on a public route that set none."""
        return self._actor

    def log_context(self) -> dict[str, str]:
        """The fields of every line logged during the request, and of its span."""
        fields = {"request_id": self.request_id, "dialect": self.dialect}
        return fields if self._actor is None else fields | {"tenant": self._actor.tenant_id}

    @property
    def method(self) -> str:
        """The request's method, upper case."""
        return str(self.scope["method"])

    @property
    def params(self) -> dict[str, str]:
        """The raw query: the last value of each name, empty ones too."""
        return {name: values[-1] for name, values in self.raw_query.items()}

    @property
    def client_ip(self) -> str:
        """The client's address, behind trusted proxies only ("" when unknown)."""
        if self._client_ip is None:
            peer, trusted = self.scope.get("client"), self.context.trusted_proxies
            self._client_ip = client_ip(peer, self.headers, trusted)
        return self._client_ip

    @property
    def rate_limit_ip(self) -> str:
        """The client's address as limits count it: the /64 network of an IPv6 address."""
        return rate_limit_ip(self.client_ip)

    def take_address_slot(self) -> None:
        """Count as one more stream of this address until the request ends. Raises TooMany. A
        trusted proxy that forwards no address is not counted."""
        address, context = self.client_ip, self.context
        if context.capacity is not None and not is_trusted(address, context.trusted_proxies):
            context.capacity.take(self.capacity_slots, "address", rate_limit_ip(address))

    def take_credential_slot(self, actor: Actor) -> None:
        """Count as one more stream of this caller until the request ends. Raises TooMany."""
        self.take_credential_slot_in(self.capacity_slots, actor)

    def take_credential_slot_in(self, slots: list[str], actor: Actor) -> None:
        """As `take_credential_slot`, until `slots` are released. Raises TooMany."""
        if self.context.capacity is not None:
            self.context.capacity.take(slots, "credential", f"{actor.tenant_id}:{actor.caller}")

    def release_slots(self, slots: list[str]) -> None:
        """Release what was taken into `slots`."""
        if self.context.capacity is not None:
            self.context.capacity.release(slots)

    @property
    def base_url(self) -> str:
        """The server's URL as the client sees it, "https://host" without a slash at its end."""
        return self.context.public_url or base_url(
            self.scope, self.headers, self.context.trusted_proxies
        )


AnyRequest = Request[Any, Any]
"""A request of any route, where the types of body and query do not matter."""


@dataclass(frozen=True)
class Response:
    """A body with its own status or headers. `body` None is an empty body.

    `media` set means `body` is already text or bytes of that content type.
    """

    body: object = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str | None = None


@dataclass(frozen=True)
class StreamingResponse:
    """A response sent chunk by chunk (a file, server-sent events).

    `chunks` is closed when the client disconnects, wherever it is waiting. A write that the client
    does not read for `write_seconds` aborts the connection.
    """

    chunks: AsyncIterator[bytes]
    media: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    write_seconds: float | None = None
