"""The ASGI application. A request goes through it in this order:

1. `App.__call__` gives it an id, finds the dialect that owns its path, and the route.
2. `CompiledRoute.prepare` authenticates it and reads its query and body.
3. `_run_handler` runs the route's handler; under an Idempotency-Key, once (`run_once`).
4. `_respond` turns refusals and exceptions into the dialect's error responses, and counts.
5. `_serve` sends the response, whole or chunk by chunk, with the headers every response has.

What no dialect owns (health, metrics, documentation, the lifespan) is `OperationalApp`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from koine.http.body import ClientDisconnected
from koine.http.compiled_route import CompiledRoute
from koine.http.cors import preflight_response
from koine.http.dialect import Dialect, MethodNotAllowed, WebSocketDialect
from koine.http.headers import Headers
from koine.http.health import ReadinessChecks
from koine.http.idempotency import IdempotencyStore, key_of, run_once
from koine.http.mounted_dialect import MountedDialect, count_refusal
from koine.http.operational import OperationalApp, UnroutedRequest
from koine.http.query import parse_pairs
from koine.http.request import (
    AnyRequest,
    AppContext,
    Receive,
    Request,
    Scope,
    Send,
    StreamingResponse,
)
from koine.http.request_metrics import CLIENT_CLOSED_REQUEST
from koine.http.response import RawResponse, encode_response, send_response
from koine.http.route import Handler
from koine.http.router import PrefixRouter, collapse_slashes, split_path
from koine.http.socket import (
    INTERNAL_ERROR,
    POLICY_VIOLATION,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    Disconnected,
    SocketHandler,
    WebSocket,
)
from koine.http.stream_capacity import StreamCapacity
from koine.http.streaming import send_stream
from koine.kit import logs, tracing
from koine.kit.ids import new_id
from koine.kit.settings import Settings
from koine.model.errors import NotFound, Refusal, TooMany, Unavailable

if TYPE_CHECKING:
    from koine.engine.core.engine import Engine
    from koine.realtime.realtime import Realtime

_log = structlog.get_logger("koine.http")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_NO_METHODS: dict[str, tuple[CompiledRoute, tuple[str, ...]]] = {}


def build_app(
    dialects: Sequence[Dialect],
    engine: Engine,
    settings: Settings,
    *,
    ready: ReadinessChecks | None = None,
    idempotency: IdempotencyStore | None = None,
    realtime: Realtime | None = None,
) -> App:
    """Give the ASGI application that serves these dialects.

    `ready` runs the checks of /readyz. `idempotency` stores responses by Idempotency-Key; without
    it the header is ignored. `realtime` serves streams and sockets; without it they are
    Unavailable. Raises ValueError for a route outside its dialect's prefixes, and for a prefix of
    two dialects.
    """
    context = AppContext(
        engine,
        settings.proxy_networks(),
        settings.base_url.rstrip("/"),
        idempotency,
        realtime,
        StreamCapacity(settings),
    )
    mounted = [MountedDialect(dialect, settings) for dialect in dialects]
    return App(mounted, context, OperationalApp(dialects, settings, ready))


class App:
    """Made by `build_app`."""

    def __init__(
        self, dialects: Sequence[MountedDialect], context: AppContext, operational: OperationalApp
    ) -> None:
        self._context = context
        self._operational = operational
        self._prefixes: PrefixRouter[MountedDialect] = PrefixRouter()
        for mounted in dialects:
            for prefix in mounted.dialect.prefixes:
                self._prefixes.add(prefix, mounted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if "path" in scope:
            collapse_slashes(scope)
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._operational(scope, receive, send, "")
            return
        headers = Headers(scope["headers"])
        request_id = _request_id(headers)
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.decode("latin-1")
        segments = split_path(path)
        mounted = self._prefixes.find(path.strip("/").split("/") if segments is None else segments)
        if mounted is None:
            logs.current.set(UnroutedRequest(request_id))
            await self._operational(scope, receive, send, request_id)
            return
        if segments is not None and mounted.format_suffix is not None:
            segments = mounted.format_suffix.without_format(segments)
        request: AnyRequest = Request(self._context, scope, headers, request_id)
        request.dialect = mounted.dialect.name
        logs.current.set(request)
        methods, values = (_NO_METHODS, []) if segments is None else mounted.router.find(segments)
        method = scope["method"]
        found = methods.get("GET" if method == "HEAD" else method)
        if found is None:
            await _serve_unrouted(mounted, request, tuple(methods), send)
            return
        compiled, names = found
        request.route = compiled.route
        request.path = dict(zip(names, values, strict=True))
        if tracing.active():
            with _span(compiled, request):
                await _serve(mounted, compiled, request, receive, send)
        else:
            await _serve(mounted, compiled, request, receive, send)

    async def _serve_websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        mounted = self._prefixes.find(split_path(scope["path"]) or [])
        headers = Headers(scope["headers"])
        request: AnyRequest = Request(self._context, scope, headers, _request_id(headers))
        request.raw_query = parse_pairs(scope["query_string"]) if scope["query_string"] else {}
        socket = WebSocket(request, receive, send)
        if mounted is None or not isinstance(mounted.dialect, WebSocketDialect):
            await socket.close()
            return
        handler = mounted.dialect.sockets.get(scope["path"].rstrip("/"))
        if handler is None:
            await socket.close()
            return
        request.dialect = mounted.dialect.name
        logs.current.set(request)
        try:
            await _run_socket_handler(handler, socket)
        finally:
            request.release_slots(request.capacity_slots)


async def _run_socket_handler(handler: SocketHandler, socket: WebSocket) -> None:
    try:
        socket.request.take_address_slot()
        await handler(socket)
    except Disconnected:
        return
    except TooMany as refusal:
        count_refusal(refusal)
        await socket.accept_and_close(TRY_AGAIN_LATER, "too many")
    except Refusal as refusal:
        count_refusal(refusal)
        code = SERVICE_RESTART if isinstance(refusal, Unavailable) else POLICY_VIOLATION
        await socket.close(code, type(refusal).__name__)
    except Exception:
        path = socket.request.scope["path"]
        _log.error("a WebSocket handler crashed", path=path, exc_info=True)
        await socket.close(INTERNAL_ERROR)


def _request_id(headers: Headers) -> str:
    """The client's X-Request-Id where it is safe to log and to send back, else a new one."""
    given = headers.raw_get(b"x-request-id")
    return given.decode() if given is not None and _REQUEST_ID.fullmatch(given) else new_id()


def _span(compiled: CompiledRoute, request: AnyRequest) -> AbstractContextManager[None]:
    parent = {name: request.headers.get(name) or "" for name in ("traceparent", "tracestate")}
    attributes = {
        "http.request.method": request.method,
        "http.route": compiled.route.path,
        "request_id": request.request_id,
    }
    return tracing.server_span(compiled.metrics.name, parent, attributes)


async def _serve(
    mounted: MountedDialect,
    compiled: CompiledRoute,
    request: AnyRequest,
    receive: Receive,
    send: Send,
) -> None:
    try:
        response = await _respond(mounted, compiled, request, receive)
        if isinstance(response, RawResponse):
            head = request.scope["method"] == "HEAD"
            await send_response(send, response, mounted.common_headers(request), head)
        elif response is not None:
            extra = mounted.common_headers(request)
            await send_stream(request.scope, send, receive, response, extra)
    finally:
        if request.capacity_slots:
            request.release_slots(request.capacity_slots)


async def _respond(
    mounted: MountedDialect, compiled: CompiledRoute, request: AnyRequest, receive: Receive
) -> RawResponse | StreamingResponse | None:
    """The response; None when the client disconnected before its request was read."""
    response: RawResponse | StreamingResponse
    try:
        raw_query = request.scope["query_string"]
        if raw_query:
            request.raw_query = parse_pairs(raw_query)
        await compiled.prepare(request, receive)
        response = await _run_handler(mounted, compiled, request)
    except ClientDisconnected:
        compiled.metrics.record(request, CLIENT_CLOSED_REQUEST)
        return None
    except Refusal as refusal:
        response = mounted.error_response(request, refusal)
    except Exception:
        response = mounted.crash_response(request)
    finally:
        for file in request.files:
            await file.close()
    compiled.metrics.record(request, response.status)
    return response


async def _run_handler(
    mounted: MountedDialect, compiled: CompiledRoute, request: AnyRequest
) -> RawResponse | StreamingResponse:
    route, store = compiled.route, request.context.idempotency
    key = None if store is None or not route.idempotent else key_of(request)

    async def run(handler: Handler) -> RawResponse | StreamingResponse:
        # Refusals are rendered here, not in `_respond`: they are stored under the key, too.
        try:
            result = await handler(request)
            if isinstance(result, StreamingResponse):
                return result
            return encode_response(result, route.status)
        except Refusal as refusal:
            return mounted.error_response(request, refusal)
        except Exception:
            return mounted.crash_response(request)

    if key is None or store is None or request.known_actor is None:
        return await run(route.handler)
    replay = route.handler if route.stores_own_key else route.replay
    return await run_once(
        store,
        request,
        key,
        partial(run, route.handler),
        None if replay is None else partial(run, replay),
    )


async def _serve_unrouted(
    mounted: MountedDialect, request: AnyRequest, allowed: tuple[str, ...], send: Send
) -> None:
    """Respond where the dialect has no route: OPTIONS, a method that the path lacks, or no path."""
    method = request.scope["method"]
    if method == "OPTIONS" and (allowed or mounted.dialect.cors):
        response = preflight_response(request.headers, allowed, mounted.dialect.cors)
    elif allowed:
        response = mounted.error_response(request, MethodNotAllowed(allowed))
    else:
        response = mounted.error_response(request, NotFound("route"), route_known=False)
    mounted.unrouted_metrics.record(request, response.status)
    await send_response(send, response, mounted.common_headers(request), method == "HEAD")
