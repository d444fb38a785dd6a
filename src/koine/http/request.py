"""What a handler is given (`Call`) and what it may give back (`Answer`, `Stream`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from koine.http.address import base_url, client_ip, is_trusted, rate_limit_ip
from koine.http.headers import Headers
from koine.model.errors import Unavailable

if TYPE_CHECKING:
    from koine.engine.core.context import Engine
    from koine.http.address import Networks
    from koine.http.idempotency import IdempotencyStore
    from koine.http.rate_limits import Rate
    from koine.http.route import Route
    from koine.http.stream_capacity import StreamCapacity
    from koine.model.actor import Actor
    from koine.realtime.realtime import Realtime

# The three callables of ASGI, as its specification types them.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

B = TypeVar("B")
Q = TypeVar("Q")


class Upload(Protocol):
    """One file of a multipart body, spooled to disk above 1 MiB, gone when the call ends."""

    name: str
    content_type: str
    size: int
    field: str

    async def read(self, size: int = -1) -> bytes:
        """Give the next `size` bytes (all that is left by default)."""

    async def close(self) -> None:
        """Let go of the spooled bytes; done for the handler when it is through."""


@dataclass(frozen=True)
class AppContext:
    """What all calls of one application share."""

    engine: Engine
    trusted_proxies: Networks
    public_url: str
    idempotency: IdempotencyStore | None = None
    realtime: Realtime | None = None
    capacity: StreamCapacity | None = None


class Request(Generic[B, Q]):
    """One request, read and checked: `body` and `query` are already the route's Structs.

    `actor` is what `Dialect.authenticate` gave; on public routes, reading it is an error unless
    the handler sets it. `params` is the raw query, for `authenticate`, which runs before body
    and query are read. `rate` is for a dialect's own use: its limiter sets it, `Dialect.headers`
    tells it. `notes` likewise carries what a dialect found out. `digest` is the payload's SHA-256
    where an Idempotency-Key came, else "". `size` is how many bytes of text came in query and body.
    `proof` is what the headers prove beside the actor: under an Idempotency-Key it is part
    of the payload. `made` names in a few letters what a write has made, for
    the route's `again`. `started` is `perf_counter()` when the call came in. `held` is what it
    counts for as a stream (`hold_address`, `hold_credential`) until it ends.
    """

    __slots__ = (
        "_actor",
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

    @property
    def engine(self) -> Engine:
        """The engine all verbs are called with."""
        return self.context.engine

    @property
    def realtime(self) -> Realtime:
        """Where live seats are taken. Raises Unavailable when this process tells no events."""
        if self.context.realtime is None:
            raise Unavailable()
        return self.context.realtime

    @property
    def actor(self) -> Actor:
        """Who is calling. Raises RuntimeError on a public route that set nobody."""
        if self._actor is None:
            raise RuntimeError("this route is public: there is no actor")
        return self._actor

    @actor.setter
    def actor(self, actor: Actor) -> None:
        self._actor = actor

    @property
    def known_actor(self) -> Actor | None:
        """Who is calling, or None on a public route that set nobody."""
        return self._actor

    def log_context(self) -> dict[str, str]:
        """What each line logged during the call carries, and its span."""
        about = {"request_id": self.request_id, "dialect": self.dialect}
        return about if self._actor is None else about | {"tenant": self._actor.tenant_id}

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
        """The caller's address, looking through trusted proxies only ("" when unknown)."""
        return client_ip(self.scope.get("client"), self.headers, self.context.trusted_proxies)

    @property
    def rate_limit_ip(self) -> str:
        """The caller's address as limits count it: one IPv6 caller has 2^64 of them."""
        return rate_limit_ip(self.client_ip)

    def take_address_slot(self) -> None:
        """Count as one more stream of this address until the call ends. Raises TooMany. A trusted
        proxy that names nobody is not counted."""
        address, context = self.client_ip, self.context
        if context.capacity is not None and not is_trusted(address, context.trusted_proxies):
            context.capacity.take(self.capacity_slots, "address", rate_limit_ip(address))

    def take_credential_slot(self, actor: Actor) -> None:
        """Count as one more stream of this caller until the call ends. Raises TooMany."""
        self.take_credential_slot_in(self.capacity_slots, actor)

    def take_credential_slot_in(self, held: list[str], actor: Actor) -> None:
        """As `hold_credential`, until what is noted in `held` is released. Raises TooMany."""
        if self.context.capacity is not None:
            self.context.capacity.take(held, "credential", f"{actor.tenant_id}:{actor.caller}")

    def release_slots(self, held: list[str]) -> None:
        """Count no more what is noted."""
        if self.context.capacity is not None:
            self.context.capacity.release(held)

    @property
    def base_url(self) -> str:
        """Where this server is reached, "https://host" without a slash at its end."""
        return self.context.public_url or base_url(
            self.scope, self.headers, self.context.trusted_proxies
        )


AnyRequest = Request[Any, Any]
"""A call whose body and query do not matter to the reader."""


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
    """An answer sent chunk by chunk (a file, server-sent events).

    `chunks` is closed when the client goes away, wherever it is waiting. A write that waits for
    the client for longer than `write_seconds` cuts the connection.
    """

    chunks: AsyncIterator[bytes]
    media: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    write_seconds: float | None = None
