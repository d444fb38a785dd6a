"""Sends the requests of one row of the table and keeps what was wrong."""

import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from tests.authz_matrix.callers import Caller
from tests.authz_matrix.expectations import NONSENSE, YES, expected
from tests.authz_matrix.fingerprint import Prints, fingerprint
from tests.authz_matrix.row import THING, Row
from tests.authz_matrix.targets import MARKS, Targets
from tests.drivers.asgi import Reply
from tests.drivers.cast_app import CastApp

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z")
_PLACE = re.compile(r"\{(\w+)\}")


class Cell(Struct):
    """One caller and one variant of the target, with the allowed statuses."""

    caller: Caller
    which: str
    expected: frozenset[int]


class Run:
    """Runs rows of the table: each caller with each variant of the target."""

    def __init__(
        self, cast_app: CastApp, callers: dict[str, list[Caller]], things: Targets
    ) -> None:
        self.cast_app = cast_app
        self.callers = callers
        self.targets = things
        self.wrong: list[str] = []
        self.cells = 0
        self._unseen: dict[str, dict[str, tuple[int, bytes]]] = {}

    async def row(self, dialect: str, route: str, row: Row) -> None:
        """Run every cell: first those that must be refused, which must not change any row."""
        method, path = route.partition("#")[0].split()
        callers = self.callers.get(dialect, self.callers["everywhere"])
        cells = list(cells_of(callers, dialect, row))
        self._unseen = {}
        for cell in cells:
            await self.ids(row, cell.caller, cell.which)
        before = await self._fingerprints()
        for cell in [c for c in cells if not c.expected & YES]:
            await self._ask(method, path, row, cell)
        if method != "GET" and await self._fingerprints() != before:
            self.wrong.append("a refused write has changed rows")
        for cell in [c for c in cells if c.expected & YES]:
            await self._ask(method, path, row, cell)
            if method != "GET":
                self.targets.forget_all()
        if "rival" in row.variants:
            self._compare_unseen()

    async def _ask(self, method: str, path: str, row: Row, cell: Cell) -> None:
        reply = await self.send(method, path, row, (cell.caller, cell.which))
        self.cells += 1
        if cell.which in ("rival", "random"):
            replies = self._unseen.setdefault(cell.caller.name, {})
            replies[cell.which] = await self._normalised(reply, row, cell)
        where = f"{cell.caller.name}, {cell.which}: {reply.status}"
        if reply.status not in cell.expected:
            self.wrong.append(f"{where}, not {sorted(cell.expected)}: {reply.text[:160]}")
        own = None if cell.caller.kind == "bad" else cell.caller.company
        if any(mark.encode() in reply.content for of, mark in MARKS.items() if of != own):
            self.wrong.append(f"{where}: shows another tenant's data: {reply.text[:300]}")

    def _compare_unseen(self) -> None:
        """Another tenant's target and a random id: the same response, byte for byte."""
        for name, replies in self._unseen.items():
            if replies["rival"] != replies["random"]:
                self.wrong.append(f"{name} distinguishes another tenant's from none: {replies}")

    async def _normalised(self, reply: Reply, row: Row, cell: Cell) -> tuple[int, bytes]:
        thing = (await self.ids(row, cell.caller, cell.which))[THING]
        # Only the whole id: a conversation's number may be part of another number. And the status,
        # which an error repeats, as the number of a conversation may be 404.
        whole = rf"(?<!\w)({re.escape(thing)}|{reply.status})(?!\w)".encode()
        return reply.status, _TIME.sub(b"", re.sub(whole, b"<thing>", reply.content))

    async def send(
        self,
        method: str,
        path: str,
        row: Row,
        of: tuple[Caller, str],
        query: str = "",
        key: str = "",
    ) -> Reply:
        """One request of a caller for a target, with `query` appended and an Idempotency-Key."""
        caller, which = of
        ids = await self.ids(row, caller, which)
        body = None if row.body is None else json.loads(_filled(json.dumps(row.body), ids))
        idempotency = {"idempotency-key": key} if key else {}
        call = self.cast_app.call.with_headers(
            {"x-request-id": "matrix", **caller.headers, **idempotency}
        )
        url = await self.url(path, row, caller, which)
        url += f"{'&' if '?' in url else '?'}{query}" if query else ""
        return await call(method, url, body)

    async def url(
        self,
        path: str,
        row: Row,
        caller: Caller,
        which: str,
        given: Mapping[str, str] | None = None,
    ) -> str:
        """The URL with its parameters filled (those of `given` first) and the query."""
        parameters = {
            name: row.path.get(name, caller.path.get(name, THING)) for name in _PLACE.findall(path)
        }
        url = path.format(**(parameters | dict(given or {})))
        query = "&".join(part for part in (row.query, caller.query) if part)
        ids = await self.ids(row, caller, which)
        return _filled(f"{url}?{query}" if query else url, ids)

    async def ids(self, row: Row, caller: Caller, which: str) -> dict[str, str]:
        """The ids that the names in angle brackets stand for."""
        named = {f"<{each}>": (each, "own") for each in row.own_targets}
        if row.target is not None:
            named[THING] = (row.target, which)
        return {
            name: await self.targets.id(caller.aliases.get(target, target), caller.company, which)
            for name, (target, which) in named.items()
        }

    async def _fingerprints(self) -> list[Prints]:
        cast = self.cast_app.cast
        both = (cast.acme.tenant.id, cast.rival.tenant.id)
        return [await fingerprint(cast.engine, tenant_id) for tenant_id in both]


def cells_of(callers: list[Caller], dialect: str, row: Row) -> Iterator[Cell]:
    """Each caller with each variant of the target, and the allowed statuses."""
    # A public route does not authenticate: a few callers prove as much as all (logins are slow).
    for caller in callers[:: 8 if row.right.startswith("public") else 1]:
        for which in row.variants if row.target is not None else ("own",):
            seen = "missing" if which in ("rival", "random") else which
            may = expected(dialect, row.right, caller.kind, caller.column, seen)
            if 404 in may and THING in f"{row.body} {row.query}":
                # An id in a body or a query may be refused as invalid instead of missing.
                may |= NONSENSE
            if row.is_list and seen in ("missing", "malformed") and may & NONSENSE:
                may |= YES | NONSENSE
            yield Cell(caller, which, may)


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(name, value)
    return text
