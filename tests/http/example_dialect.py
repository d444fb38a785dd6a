"""A small dialect with a route of each kind, and a client of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import httpx
import msgspec
from msgspec import UNSET, Meta, UnsetType

from koine.engine.core.engine import Engine
from koine.http.app import App, build_app
from koine.http.rate_limits import RateLimiter
from koine.http.request import AnyRequest, Request, Response, StreamingResponse
from koine.http.route import Routes
from koine.kit import settings
from koine.model import errors
from koine.model.actor import Actor, operator

STATUS: dict[type[errors.Refusal], int] = {
    errors.Malformed: 400,
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}


class Problem(msgspec.Struct):
    code: str
    field: str | None = None
    message: str = ""


class Participant(msgspec.Struct):
    user_id: str


class Greeting(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    title: str | UnsetType | None = UNSET
    participants: list[Participant] = []
    metadata: dict[str, object] = {}


class PageQuery(msgspec.Struct, frozen=True):
    page: Annotated[int, Meta(ge=1, le=100)] = 1
    status: Literal["open", "closed"] | None = None
    ids: list[str] | None = None
    deep: bool = False
    search: str | None = None


class Seen(msgspec.Struct):
    id: str
    body: object
    query: object


class Form(msgspec.Struct):
    content: str | None = None
    rating: int | None = None
    custom_attributes: dict[str, object] = {}
    participants: list[Participant] = []


class Change(msgspec.Struct):
    name: str | UnsetType | None = UNSET


routes = Routes()
LIMITER = RateLimiter()


@routes.get("/tiny/things", query=PageQuery, returns=Seen, summary="List things")
async def list_things(request: Request[None, PageQuery]) -> Seen:
    return Seen("", None, request.query)


@routes.get("/tiny/things/special", returns=Seen)
async def special(request: Request[None, None]) -> Seen:
    return Seen("the special one", None, None)


@routes.post("/tiny/things/{id}", body=Greeting, returns=Seen, status=201, other_statuses=(200,))
async def greet(request: Request[Greeting, None]) -> Seen:
    """Greet a thing.

    It is polite (S).
    """
    return Seen(request.path["id"], request.body, None)


@routes.patch("/tiny/things/{id}", body=Change, returns=Seen, path_types={"id": "uuid"})
@routes.put("/tiny/things/{id}", body=Change, returns=Seen, path_types={"id": "uuid"})
async def change(request: Request[Change, None]) -> Seen:
    return Seen(request.path["id"], request.body, None)


@routes.delete("/tiny/things/{id}", status=204)
async def remove(request: Request[None, None]) -> None:
    return None


@routes.post("/tiny/forms", body=Form, forms=True, files=("attachments",), returns=Seen)
async def form(request: Request[Form, None]) -> Seen:
    files = [[f.field, f.name, f.content_type, f.size, len(await f.read())] for f in request.files]
    return Seen("form", request.body, files)


@routes.get("/tiny/where", public=True)
async def where(request: Request[None, None]) -> dict[str, str]:
    return {"ip": request.client_ip, "base": request.base_url}


@routes.get("/tiny/stream", public=True, media="text/event-stream")
async def stream(request: Request[None, None]) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    return StreamingResponse(chunks(), "text/event-stream")


@routes.get("/tiny/beats", public=True, hidden=True)
async def beats(request: Request[None, None]) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield b"beat "
            await asyncio.sleep(0.05)

    return StreamingResponse(chunks(), "text/event-stream")


@routes.get("/tiny/text", public=True, hidden=True)
async def text(request: Request[None, None]) -> Response:
    return Response("hé", 202, {"Link": "a\r\nEvil: b", "Cache-Control": "max-age=5"}, "text/plain")


@routes.get("/tiny/crash", public=True, hidden=True)
async def crash(request: Request[None, None]) -> None:
    raise ZeroDivisionError("a secret")


@routes.get("/tiny/limited", public=True, hidden=True)
async def limited(request: Request[None, None]) -> None:
    request.rate = LIMITER.check(request.request_id, 2, 0)


@routes.get("/tiny/busy", public=True, hidden=True)
async def busy(request: Request[None, None]) -> None:
    raise errors.Unavailable(7)


@routes.get("/tiny/forever", public=True, hidden=True)
async def forever(request: Request[None, None]) -> None:
    await asyncio.Event().wait()


class ExampleDialect:
    """Accepts the bearer token `me`."""

    name = "tiny"
    title = "Tiny"
    version = "1"
    description = "A dialect for tests."
    prefixes: tuple[str, ...] = ("/tiny",)
    routes = routes
    security_schemes: Mapping[str, Mapping[str, object]] = {
        "bearer": {"type": "http", "scheme": "bearer"}
    }
    error_types: Mapping[int, type] = dict.fromkeys((400, 401, 404, 413, 422), Problem)
    cors = False

    async def authenticate(self, request: AnyRequest) -> Actor:
        if request.headers.get("Authorization") != "Bearer me":
            raise errors.Unauthenticated("missing")
        return operator("t1")

    def error_response(
        self, refusal: errors.Refusal | None, request_id: str, known: bool
    ) -> Response:
        for kind, status in STATUS.items():
            if isinstance(refusal, kind):
                field = getattr(refusal, "field", None)
                problem = Problem(kind.__name__, field, getattr(refusal, "message", ""))
                return Response(problem, status)
        return Response(Problem("Crash"), 500)

    def headers(self, request: AnyRequest) -> Mapping[str, str]:
        return {"X-Tiny": "yes", "X-Left": str(request.rate.remaining if request.rate else "")}


class Open(ExampleDialect):
    """The same dialect with CORS, below a longer prefix."""

    name = "chats"
    document_path = "/openapi"
    prefixes: tuple[str, ...] = ("/tiny/open",)
    cors = True
    routes = Routes()


@Open.routes.get("/tiny/open/thing", public=True)
async def open_thing(request: Request[None, None]) -> dict[str, bool]:
    return {"open": True}


def app(**overrides: object) -> App:
    """Both dialects, with a JSON limit of 4 KiB and an upload limit of 64 KiB."""
    limits = {"json_limit": 4096, "upload_limit": 65536, **overrides}
    return build_app([ExampleDialect(), Open()], cast(Engine, object()), settings.load({}, limits))


def client(of: App | None = None, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client with a good token."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(of or app(), raise_app_exceptions=False),
        base_url="http://tiny.test",
        headers={"Authorization": "Bearer me"} if headers is None else headers,
    )


class RawRequest:
    """One request as ASGI messages; counts the chunks that were read, and keeps what was sent."""

    def __init__(self, method: str, path: str, *chunks: bytes, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"authorization": "Bearer me", **named}
        self.scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": b"",
            "scheme": "http",
            "client": ("192.0.2.1", 1234),
            "headers": [(k.encode(), v.encode()) for k, v in named.items()],
        }
        self._chunks: Sequence[bytes] = chunks
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self.read >= len(self._chunks):
            return {"type": "http.disconnect"}
        chunk = self._chunks[self.read]
        self.read += 1
        more = self.read < len(self._chunks)
        return {"type": "http.request", "body": chunk, "more_body": more}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    async def run(self, of: App | None = None) -> int | None:
        """Send the request; return the status, None if there was no response."""
        await (of or app())(self.scope, self.receive, self.send)
        return self.sent[0]["status"] if self.sent else None
