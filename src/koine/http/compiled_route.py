"""What a route does before its handler: authenticate, and read query and body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from koine.http.body import convert, load_json, read_bytes
from koine.http.coercion import CoercingBodyReader
from koine.http.dialect import Dialect, WriteBudgetDialect
from koine.http.forms import MULTIPART, URLENCODED, read_multipart
from koine.http.idempotency import HEADER, digest
from koine.http.query import QueryReader, parse_pairs
from koine.http.request import AnyRequest, Receive
from koine.http.request_metrics import RequestMetrics
from koine.http.route import Route
from koine.kit.settings import Settings
from koine.model.errors import Malformed, Unavailable

_KEY = HEADER.lower().encode()


class CompiledRoute:
    """One route with the readers of its query and body, which are compiled once from its types."""

    def __init__(self, route: Route, dialect: Dialect, settings: Settings) -> None:
        self.route = route
        self.dialect = dialect
        self.metrics = RequestMetrics(
            dialect.name, route.method, route.path, logged=settings.access_log
        )
        self._json_limit = route.body_limit or settings.json_limit
        self._upload_limit = route.body_limit or settings.upload_limit
        self._query: QueryReader[Any] | None = None
        if route.query is not None:
            self._query = QueryReader(route.query)
        self._budgeted = dialect if isinstance(dialect, WriteBudgetDialect) else None
        self._forms = (
            CoercingBodyReader(route.body) if route.forms and route.body is not None else None
        )

    async def prepare(self, request: AnyRequest, receive: Receive) -> None:
        """Authenticate the request and read it. Raises any Refusal, and ClientDisconnected.

        A request without a good credential is refused before its body is read. The caller closes
        `request.files`, also when this raises.
        """
        if not self.route.public:
            request.actor = await self.dialect.authenticate(request)
        elif self.route.precheck is not None:
            self.route.precheck(request)
        if self.route.needs_realtime and request.context.realtime is None:
            raise Unavailable()
        request.query = self._query.read(request.raw_query) if self._query is not None else None
        if self._forms is not None:
            await self._read_form(request, self._forms, receive)
        elif self.route.body is not None:
            await self._read_json(request, self.route.body, receive)
        else:
            _record_payload(request)
            request.body = None
        if self._budgeted is not None:
            self._budgeted.charge_write_budget(request)

    async def _read_json(self, request: AnyRequest, body: type, receive: Receive) -> None:
        raw = await read_bytes(receive, request.headers, self._json_limit)
        if raw and _media(request) in (URLENCODED, MULTIPART):
            raise Malformed("the body must be JSON")
        _record_payload(request, raw)
        request.body = convert(load_json(raw), body)

    async def _read_form(
        self, request: AnyRequest, forms: CoercingBodyReader, receive: Receive
    ) -> None:
        values = forms.pairs(_non_empty(request.raw_query)) if request.raw_query else {}
        media = _media(request)
        if media == MULTIPART:
            fields, files = await read_multipart(
                receive, request.headers, self.route.files, self._upload_limit, self._json_limit
            )
            request.files = [*files]
            values |= forms.pairs(fields)
            # A retry has another boundary, so the digest is of the parts, not of the raw body.
            texts = [text.encode() for pair in fields for text in pair]
            keyed = request.headers.raw_get(_KEY) is not None
            _record_payload(
                request, *texts, files=[await file.digest() for file in files] if keyed else []
            )
        else:
            raw = await read_bytes(receive, request.headers, self._json_limit)
            _record_payload(request, raw)
            values |= _fields(raw, media, forms)
        assert self.route.body is not None
        request.body = convert(values, self.route.body)


def _fields(raw: bytes, media: str, forms: CoercingBodyReader) -> dict[str, object]:
    if media == URLENCODED:
        return forms.pairs(_flat(parse_pairs(raw))) if raw else {}
    return forms.json(load_json(raw))


def _record_payload(request: AnyRequest, *parts: bytes, files: Sequence[bytes] = ()) -> None:
    """Set the payload's size and, under an Idempotency-Key, its digest."""
    query: bytes = request.scope["query_string"]
    request.payload_bytes = len(query) + sum(map(len, parts))
    if request.headers.raw_get(_KEY) is not None:
        extra = [request.extra_credential.encode()] if request.extra_credential else []
        request.payload_digest = digest(query, *extra, *parts, *files)


def _flat(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in pairs.items() for value in values]


def _non_empty(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    # An empty query parameter counts as absent; an empty form field is an empty text.
    return [(name, value) for name, value in _flat(pairs) if value]


def _media(request: AnyRequest) -> str:
    text = request.headers.raw_get(b"content-type") or b""
    return text.split(b";", 1)[0].strip().lower().decode("latin-1")
