"""One route, made ready once: who calls, query, body, handler."""

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


class Endpoint:
    """Reads calls for one route's handler."""

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

    async def prepare(self, call: AnyRequest, receive: Receive) -> None:
        """Authenticate and read the call. Raises any Refusal, ClientGone.

        A stranger is refused before the body is read. Whoever prepares also closes `call.files`.
        """
        if not self.route.public:
            call.actor = await self.dialect.authenticate(call)
        elif self.route.precheck is not None:
            self.route.precheck(call)
        if self.route.needs_realtime and call.context.realtime is None:
            raise Unavailable()
        call.query = self._query.read(call.raw_query) if self._query is not None else None
        if self._forms is not None:
            await self._read_form(call, self._forms, receive)
        elif self.route.body is not None:
            await self._read_json(call, self.route.body, receive)
        else:
            _record_payload(call)
            call.body = None
        if self._budgeted is not None:
            self._budgeted.charge_write_budget(call)

    async def _read_json(self, call: AnyRequest, body: type, receive: Receive) -> None:
        raw = await read_bytes(receive, call.headers, self._json_limit)
        if raw and _media(call) in (URLENCODED, MULTIPART):
            raise Malformed("the body must be JSON")
        _record_payload(call, raw)
        call.body = convert(load_json(raw), body)

    async def _read_form(
        self, call: AnyRequest, forms: CoercingBodyReader, receive: Receive
    ) -> None:
        values = forms.pairs(_non_empty(call.raw_query)) if call.raw_query else {}
        media = _media(call)
        if media == MULTIPART:
            fields, files = await read_multipart(
                receive, call.headers, self.route.files, self._upload_limit, self._json_limit
            )
            call.files = [*files]
            values |= forms.pairs(fields)
            # A retry has another boundary: what counts is what the parts say.
            said = [text.encode() for pair in fields for text in pair]
            keyed = call.headers.raw_get(_KEY) is not None
            _record_payload(
                call, *said, files=[await file.digest() for file in files] if keyed else []
            )
        else:
            raw = await read_bytes(receive, call.headers, self._json_limit)
            _record_payload(call, raw)
            values |= _fields(raw, media, forms)
        assert self.route.body is not None
        call.body = convert(values, self.route.body)


def _fields(raw: bytes, media: str, forms: CoercingBodyReader) -> dict[str, object]:
    if media == URLENCODED:
        return forms.pairs(_flat(parse_pairs(raw))) if raw else {}
    return forms.json(load_json(raw))


def _record_payload(call: AnyRequest, *parts: bytes, files: Sequence[bytes] = ()) -> None:
    """Note how much came and, under a key, which payload."""
    query: bytes = call.scope["query_string"]
    call.payload_bytes = len(query) + sum(map(len, parts))
    if call.headers.raw_get(_KEY) is not None:
        shown = [call.extra_credential.encode()] if call.extra_credential else []
        call.payload_digest = digest(query, *shown, *parts, *files)


def _flat(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in pairs.items() for value in values]


def _non_empty(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    # A query parameter sent empty is not given; an empty form field is an empty text.
    return [(name, value) for name, value in _flat(pairs) if value]


def _media(call: AnyRequest) -> str:
    text = call.headers.raw_get(b"content-type") or b""
    return text.split(b";", 1)[0].strip().lower().decode("latin-1")
