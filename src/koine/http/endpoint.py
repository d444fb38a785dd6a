"""One route, made ready once: who calls, query, body, handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from koine.http.body import convert, load_json, read_bytes
from koine.http.call import Call, Receive
from koine.http.dialect import Dialect
from koine.http.fields import FieldReader
from koine.http.forms import MULTIPART, URLENCODED, SpooledUpload, read_multipart
from koine.http.nesting import nested
from koine.http.query import Pairs, QueryReader, parse_pairs
from koine.http.route import Route
from koine.kit.settings import Settings
from koine.model.errors import Invalid, Malformed


class Endpoint:
    """Turns a call into the handler's result. Refusals and crashes pass through."""

    def __init__(self, route: Route, dialect: Dialect, settings: Settings) -> None:
        self.route = route
        self.dialect = dialect
        self._json_limit = route.body_limit or settings.json_limit
        self._upload_limit = route.body_limit or settings.upload_limit
        self._query: QueryReader[Any] | None = None
        if route.query is not None:
            self._query = QueryReader(route.query)
        is_form = route.forms and route.body is not None
        self._form = FieldReader(route.body, split_commas=False) if is_form else None  # type: ignore[arg-type]  # is_form says it is there

    async def answer(self, call: Call[Any, Any], pairs: Pairs, receive: Receive) -> object:
        """Authenticate, read, and call the handler. Raises what any of them raises, ClientGone.

        A stranger is refused before the body is read.
        """
        route = self.route
        if not route.public:
            call.actor = await self.dialect.authenticate(call)
        call.query = self._query.read(pairs) if self._query is not None else None
        if self._form is not None:
            return await self._with_form(call, self._form, receive)
        call.body = None if route.body is None else await self._json(call, receive)
        return await route.handler(call)

    async def _json(self, call: Call[Any, Any], receive: Receive) -> object:
        raw = await read_bytes(receive, call.headers, self._json_limit)
        if raw and _media(call) in (URLENCODED, MULTIPART):
            raise Malformed("the body must be JSON")
        assert self.route.body is not None
        return convert(load_json(raw), self.route.body)

    async def _with_form(self, call: Call[Any, Any], form: FieldReader, receive: Receive) -> object:
        files: list[SpooledUpload] = []
        try:
            values = form.read(nested(_given(call.pairs))) if call.pairs else {}
            media = _media(call)
            if media == MULTIPART:
                fields, files = await read_multipart(receive, call.headers, self._upload_limit)
                values |= form.read(nested(fields))
            else:
                raw = await read_bytes(receive, call.headers, self._json_limit)
                values |= self._fields(raw, media, form)
            assert self.route.body is not None
            call.body = convert(values, self.route.body)
            call.files = [*files]
            return await self.route.handler(call)
        finally:
            for file in files:
                await file.close()

    def _fields(self, raw: bytes, media: str, form: FieldReader) -> dict[str, object]:
        if media == URLENCODED:
            return form.read(nested(_flat(parse_pairs(raw)))) if raw else {}
        value = load_json(raw)
        if not isinstance(value, dict):
            raise Invalid("body", "must be an object")
        return value


def _flat(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in pairs.items() for value in values]


def _given(pairs: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    # A query parameter sent empty is not given; an empty form field is an empty text.
    return [(name, value) for name, value in _flat(pairs) if value]


def _media(call: Call[Any, Any]) -> str:
    text = call.headers.raw_get(b"content-type") or b""
    return text.split(b";", 1)[0].strip().lower().decode("latin-1")
