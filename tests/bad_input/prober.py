"""Sends invalid requests to one route and keeps what was wrong with the responses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import structs

from koine.http.dialect import Dialect
from koine.http.route import Route
from tests.authz_matrix.callers import Caller
from tests.authz_matrix.expectations import YES, expected
from tests.authz_matrix.fingerprint import Prints, fingerprint
from tests.authz_matrix.row import Row
from tests.authz_matrix.runner import Run
from tests.authz_matrix.table import TABLE
from tests.bad_input.values import raw
from tests.drivers.asgi import Reply

REFUSED = range(400, 500)
REFUSED_ROWS = ("public 401", "password", "export")
"""The rights of rows whose body is refused from everybody: a wrong password, a short passphrase."""


class Prober:
    """Requests one row of the matrix's table as a caller who has the right."""

    def __init__(self, run: Run, dialect: Dialect, name: str) -> None:
        self.run = run
        self.dialect = dialect
        self.row: Row = TABLE[dialect.name][name]
        self.method, self.path = name.partition("#")[0].split()
        self.caller = self._caller()
        self.requests = 0
        self.wrong: list[str] = []

    @property
    def route(self) -> Route:
        """The route as the dialect declares it."""
        return next(
            each for each in self.dialect.routes
            if (each.method, each.path) == (self.method, self.path)
        )  # fmt: skip

    async def body(self) -> Any:
        """A valid body; {} for a route without one."""
        ids = await self.run.ids(self.row, self.caller, "own")
        text = json.dumps(self.row.body)
        for name, value in ids.items():
            text = text.replace(name, value)
        return json.loads(text) or {}

    async def valid_body(self) -> bytes | None:
        """That body in bytes, None for a route without one. Creates the row's target."""
        body = await self.body()
        return None if self.route.body is None else raw(body)

    async def expect(
        self,
        what: str,
        *,
        query: str = "",
        body: bytes | None = None,
        path: Mapping[str, str] | None = None,
        refused: bool = True,
    ) -> Reply:
        """Send an invalid request; expect a 4xx if `refused`, otherwise anything but a 5xx."""
        url = await self.run.url(self.path, self.row, self.caller, "own", path)
        joined = f"{url}{'&' if '?' in url else '?'}{query}" if query else url
        call = self.run.cast_app.call.with_headers(self.caller.headers)
        reply = await call(self.method, joined, raw=body)
        self.requests += 1
        if reply.status >= 500 or (refused and reply.status not in REFUSED):
            self.wrong.append(f"{what}: {reply.status} {reply.text[:120]}")
        elif reply.status in REFUSED and (complaint := self._schema_error(reply)):
            self.wrong.append(f"{what}: {reply.status} {complaint}: {reply.text[:120]}")
        return reply

    async def fingerprint(self) -> Prints:
        """The fingerprint of the tenant's rows."""
        cast = self.run.cast_app.cast
        return await fingerprint(cast.engine, cast.acme.tenant.id)

    def _schema_error(self, reply: Reply) -> str:
        """Why a refusal's body does not match the dialect's error type; "" if it does."""
        kind = self.dialect.error_types.get(reply.status)
        if kind is None:
            return "is not a documented status"
        try:
            msgspec.json.decode(reply.content, type=kind)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            return str(error)
        return ""

    def _caller(self) -> Caller:
        callers = self.run.callers.get(self.dialect.name, self.run.callers["everywhere"])
        name, right = self.dialect.name, self.row.right
        may = (c for c in callers if expected(name, right, c.kind, c.column, "own") & YES)
        return next(may, callers[0])


def fields(kind: type | None) -> tuple[structs.FieldInfo, ...]:
    """The fields of a route's body or query type."""
    assert kind is not None and issubclass(kind, msgspec.Struct)
    return structs.fields(kind)


def rows(world_dialects: list[Dialect], wants: str) -> Iterator[tuple[str, str]]:
    """Every route with a `body`, a `query` or a parameter in its `path`, by dialect."""
    for dialect in world_dialects:
        for route in dialect.routes:
            has = "{" in route.path if wants == "path" else getattr(route, wants) is not None
            if has and not route.hidden:
                yield dialect.name, f"{route.method} {route.path}"
