"""The ASGI application: a path's owner, its route, the call, the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from koine.engine.idempotency import KeyReused
from koine.http.body import ClientDisconnected
from koine.http.cors import CORS, allowed_methods, preflight_response
from koine.http.dialect import (
    Dialect,
    FormatSuffixDialect,
    LocalisedDialect,
    MethodNotAllowed,
    WebSocketDialect,
)
from koine.http.endpoint import Endpoint
from koine.http.headers import Headers, RawHeaders, encode
from koine.http.health import ReadinessChecks
from koine.http.idempotency import IdempotencyStore, key_of, run_once
from koine.http.operational import OperationalApp, UnroutedRequest
from koine.http.query import parse_pairs
from koine.http.rate_limits import RateLimited
from koine.http.request import (
    AnyRequest,
    AppContext,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    StreamingResponse,
)
from koine.http.request_metrics import CLIENT_CLOSED_REQUEST, RequestMetrics
from koine.http.response import RawResponse, encode_response, send_response
from koine.http.route import Handler
from koine.http.router import PrefixRouter, Router, collapse_slashes, split_path
from koine.http.socket import (
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    Disconnected,
    WebSocket,
)
from koine.http.stream_capacity import StreamCapacity
from koine.http.streaming import send_stream
from koine.kit import logs, metrics, tracing
from koine.kit.ids import new_id
from koine.kit.settings import Settings
from koine.model.errors import NotFound, Refusal, TooMany, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from koine.engine.core.context import Engine
    from koine.realtime.realtime import Realtime

_log = structlog.get_logger("koine.http")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_NO_METHODS: dict[str, tuple[Endpoint, tuple[str, ...]]] = {}


class MountedDialect:
    """One dialect and its routes."""

    def __init__(self, dialect: Dialect, settings: Settings) -> None:
        self.dialect = dialect
        self.cors: RawHeaders = CORS if dialect.cors else []
        self.formatted = dialect if isinstance(dialect, FormatSuffixDialect) else None
        self.unrouted_metrics = RequestMetrics(dialect.name, "", "", logged=settings.access_log)
        self.router: Router[Endpoint] = Router()
        for route in dialect.routes:
            self.router.add(route.method, route.path, Endpoint(route, dialect, settings))


class App:
    """Made by `build`; every dialect's HTTP, and Starlette for all that no dialect owns."""

    def __init__(
        self,
        dialects: Sequence[Dialect],
        context: AppContext,
        settings: Settings,
        operational: OperationalApp,
    ) -> None:
        self._context = context
        self._operational = operational
        self._prefixes: PrefixRouter[MountedDialect] = PrefixRouter()
        for dialect in dialects:
            owner = MountedDialect(dialect, settings)
            for prefix in dialect.prefixes:
                self._prefixes.add(prefix, owner)
            _check_prefixes(dialect)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI scope."""
        if "path" in scope:
            collapse_slashes(scope)
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._operational(scope, receive, send, "")
            return
        headers = Headers(scope["headers"])
        given = headers.raw_get(b"x-request-id")
        sane = given is not None and _REQUEST_ID.fullmatch(given)
        request_id = given.decode() if sane and given else new_id()
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.decode("latin-1")
        segments = split_path(path)
        owner = self._prefixes.find(path.strip("/").split("/") if segments is None else segments)
        if owner is None:
            logs.current.set(UnroutedRequest(request_id))
            await self._operational(scope, receive, send, request_id)
            return
        if segments is not None and owner.formatted is not None:
            segments = owner.formatted.without_format(segments)
        call: AnyRequest = Request(self._context, scope, headers, request_id)
        call.dialect = owner.dialect.name
        logs.current.set(call)
        methods, values = (_NO_METHODS, []) if segments is None else owner.router.find(segments)
        method = scope["method"]
        found = methods.get("GET" if method == "HEAD" else method)
        if found is None:
            await _no_route(owner, call, tuple(methods), send)
            return
        endpoint, names = found
        call.route = endpoint.route
        call.path = dict(zip(names, values, strict=True))
        if tracing.active():
            with _span(endpoint, call):
                await _serve(owner, endpoint, call, receive, send)
        else:
            await _serve(owner, endpoint, call, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        owner = self._prefixes.find(split_path(scope["path"]) or [])
        sockets = (
            owner.dialect.sockets if owner and isinstance(owner.dialect, WebSocketDialect) else {}
        )
        handler = sockets.get(scope["path"].rstrip("/"))
        call: AnyRequest = Request(self._context, scope, Headers(scope["headers"]), new_id())
        call.raw_query = parse_pairs(scope["query_string"]) if scope["query_string"] else {}
        socket = WebSocket(call, receive, send)
        if owner is None or handler is None:
            await socket.close()
            return
        call.dialect = owner.dialect.name
        logs.current.set(call)
        try:
            call.take_address_slot()
            await handler(socket)
        except Disconnected:
            return
        except TooMany:
            await socket.accept_and_close(TRY_AGAIN_LATER, "too many")
        except Refusal as refusal:
            code = SERVICE_RESTART if isinstance(refusal, Unavailable) else POLICY_VIOLATION
            await socket.close(code, type(refusal).__name__)
        except Exception:
            _log.error("socket crashed", path=scope["path"], exc_info=True)
            await socket.close(INTERNAL_ERROR)
        finally:
            call.release_slots(call.capacity_slots)


def build_app(
    dialects: Sequence[Dialect],
    engine: Engine,
    settings: Settings,
    *,
    ready: ReadinessChecks | None = None,
    idempotency: IdempotencyStore | None = None,
    realtime: Realtime | None = None,
) -> App:
    """Give the ASGI application of these dialects.

    `ready` gives the named checks of /readyz. `idempotency` stores responses by
    Idempotency-Key; without it the header is not looked at. `relay` tells what happens to streams
    and sockets; without one they are Unavailable. Raises ValueError for a route outside its
    dialect's prefixes or two owners of one prefix.
    """
    proxies, public_url = settings.proxy_networks(), settings.base_url.rstrip("/")
    context = AppContext(
        engine, proxies, public_url, idempotency, realtime, StreamCapacity(settings)
    )
    rest = OperationalApp(dialects, settings, ready)
    return App(dialects, context, settings, rest)


def _span(endpoint: Endpoint, call: AnyRequest) -> AbstractContextManager[None]:
    given = {name: call.headers.get(name) or "" for name in ("traceparent", "tracestate")}
    told = {"http.request.method": call.method, "http.route": endpoint.route.path}
    return tracing.server_span(endpoint.metrics.name, given, told)


async def _serve(
    owner: MountedDialect, endpoint: Endpoint, call: AnyRequest, receive: Receive, send: Send
) -> None:
    try:
        done = await _respond(owner, endpoint, call, receive)
        if isinstance(done, RawResponse):
            await send_response(
                send, done, _common_headers(owner, call), call.scope["method"] == "HEAD"
            )
        elif done is not None:
            await send_stream(call.scope, send, receive, done, _common_headers(owner, call))
    finally:
        if call.capacity_slots:
            call.release_slots(call.capacity_slots)


async def _respond(
    owner: MountedDialect, endpoint: Endpoint, call: AnyRequest, receive: Receive
) -> RawResponse | StreamingResponse | None:
    """The answer; None when nobody waits for it any more."""
    try:
        raw_query = call.scope["query_string"]
        if raw_query:
            call.raw_query = parse_pairs(raw_query)
        await endpoint.prepare(call, receive)
        done = await _run_handler(owner, endpoint, call)
    except ClientDisconnected:
        endpoint.metrics.record(call, CLIENT_CLOSED_REQUEST)
        return None
    except Refusal as refusal:
        done = _error_response(owner, call, refusal, True)
    except Exception:
        done = _crash_response(owner, call)
    finally:
        for file in call.files:
            await file.close()
    endpoint.metrics.record(call, done.status)
    return done


async def _run_handler(
    owner: MountedDialect, endpoint: Endpoint, call: AnyRequest
) -> RawResponse | StreamingResponse:
    store = call.context.idempotency
    key = None if store is None or not endpoint.route.idempotent else key_of(call)

    route = endpoint.route

    async def run(handler: Handler) -> RawResponse | StreamingResponse:
        try:
            result = await handler(call)
            return (
                result
                if isinstance(result, StreamingResponse)
                else encode_response(result, endpoint.route.status)
            )
        except Refusal as refusal:
            return _error_response(owner, call, refusal, True)
        except Exception:
            return _crash_response(owner, call)

    if key is None or store is None or call.known_actor is None:
        return await run(route.handler)
    again = route.handler if route.stores_own_key else route.replay
    show = None if again is None else partial(run, again)
    return await run_once(store, call, key, partial(run, route.handler), show)


async def _no_route(
    owner: MountedDialect, call: AnyRequest, allowed: tuple[str, ...], send: Send
) -> None:
    method = call.scope["method"]
    if method == "OPTIONS" and (allowed or owner.dialect.cors):
        packed = preflight_response(call.headers, allowed, owner.dialect.cors)
    elif allowed:
        packed = _error_response(owner, call, MethodNotAllowed(allowed), True)
    else:
        packed = _error_response(owner, call, NotFound("route"), False)
    owner.unrouted_metrics.record(call, packed.status)
    await send_response(send, packed, _common_headers(owner, call), method == "HEAD")


def _error_response(
    owner: MountedDialect, call: AnyRequest, refusal: Refusal, known: bool
) -> RawResponse:
    if isinstance(refusal, RateLimited):
        call.rate = refusal.rate
    try:
        answer = _localised(
            owner, call, owner.dialect.error_response(refusal, call.request_id, known)
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        status = answer.status or 500
        if isinstance(refusal, MethodNotAllowed):
            status, headers["allow"] = 405, ", ".join(allowed_methods(refusal.allowed))
        elif isinstance(refusal, KeyReused):
            status = 422
        elif isinstance(refusal, TooMany | Unavailable):
            if isinstance(refusal, Unavailable):
                metrics.DATABASE_UNAVAILABLE.inc()
            headers.setdefault("retry-after", str(refusal.retry_after))
        elif isinstance(refusal, Unauthenticated):
            headers.setdefault("www-authenticate", "Bearer")
        return encode_response(Response(answer.body, status, headers, answer.media), status)
    except Exception:
        return _crash_response(owner, call)


def _crash_response(owner: MountedDialect, call: AnyRequest) -> RawResponse:
    # The route's template, not the path: an inbox path carries its contact's secret.
    route = call.route.path if call.route else None
    _log.error("request crashed", request_id=call.request_id, route=route, exc_info=True)
    try:
        answer = owner.dialect.error_response(None, call.request_id, True)
        return encode_response(_localised(owner, call, answer), 500)
    except Exception:
        _log.error("refusal crashed", request_id=call.request_id, exc_info=True)
        return encode_response({"error": "internal error", "request_id": call.request_id}, 500)


def _localised(owner: MountedDialect, call: AnyRequest, answer: Response) -> Response:
    dialect = owner.dialect
    return dialect.localised(call, answer) if isinstance(dialect, LocalisedDialect) else answer


def _common_headers(owner: MountedDialect, call: AnyRequest) -> RawHeaders:
    common = [(b"x-request-id", call.request_id.encode())]
    try:
        extra = owner.dialect.headers(call)
    except Exception:
        _log.error("headers crashed", request_id=call.request_id, exc_info=True)
        extra = {}
    return common + encode(extra) + owner.cors if extra else common + owner.cors


def _check_prefixes(dialect: Dialect) -> None:
    for route in dialect.routes:
        if not any(f"{route.path}/".startswith(f"{p.rstrip('/')}/") for p in dialect.prefixes):
            raise ValueError(f"{route.path} is outside the prefixes of {dialect.name}")
