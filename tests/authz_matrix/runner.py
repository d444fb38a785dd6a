"""Asks every cell of one row of the table and says what was wrong."""

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
from tests.drivers.world import World

_TIME = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+Z")
_OWN = re.compile(r"<(\w+)>")
_PLACE = re.compile(r"\{(\w+)\}")


class Cell(Struct):
    """One caller and one thing."""

    caller: Caller
    which: str
    may: frozenset[int]


class Run:
    """One row of the table, asked by everyone about everything."""

    def __init__(self, world: World, callers: dict[str, list[Caller]], things: Targets) -> None:
        self.world = world
        self.callers = callers
        self.things = things
        self.wrong: list[str] = []
        self.cells = 0

    async def row(self, dialect: str, route: str, row: Row) -> None:
        """Every cell: first those that must be refused, between two looks at all the rows."""
        method, path = route.partition("#")[0].split()
        callers = self.callers.get(dialect, self.callers["everywhere"])
        cells = list(cells_of(callers, dialect, row))
        for cell in cells:
            await self.ids(row, cell.caller, cell.which)
        before = await self._prints()
        for cell in [c for c in cells if not c.may & YES]:
            await self._ask(method, path, row, cell)
        if method != "GET" and await self._prints() != before:
            self.wrong.append("a refused write has changed rows")
        for cell in [c for c in cells if c.may & YES]:
            await self._ask(method, path, row, cell)
            if method != "GET":
                self.things.spend_all()
        await self._twins(method, path, row, callers)

    async def _ask(self, method: str, path: str, row: Row, cell: Cell) -> None:
        reply = await self.send(method, path, row, (cell.caller, cell.which))
        self.cells += 1
        where = f"{cell.caller.name}, {cell.which}: {reply.status}"
        if reply.status not in cell.may:
            self.wrong.append(f"{where}, not {sorted(cell.may)}: {reply.text[:160]}")
        own = None if cell.caller.kind == "bad" else cell.caller.company
        if any(mark.encode() in reply.content for of, mark in MARKS.items() if of != own):
            self.wrong.append(f"{where}: shows what is another's: {reply.text[:300]}")

    async def _twins(self, method: str, path: str, row: Row, callers: list[Caller]) -> None:
        """A rival's thing and nobody's: the same answer to everyone, byte for byte."""
        if "rival" not in row.objects or row.noun is None:
            return
        for caller in callers:
            pair = ("rival", "random")
            replies = [await self._bare(method, path, row, caller, which) for which in pair]
            if replies[0] != replies[1]:
                self.wrong.append(f"{caller.name} can tell a rival's from nobody's: {replies}")

    async def _bare(
        self, method: str, path: str, row: Row, caller: Caller, which: str
    ) -> tuple[int, bytes]:
        reply = await self.send(method, path, row, (caller, which))
        thing = (await self.ids(row, caller, which))[THING]
        # The whole thing: a conversation's number may be a part of a status.
        whole = rb"(?<!\w)" + re.escape(thing.encode()) + rb"(?!\w)"
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
        """One request of a caller about a thing, under an Idempotency-Key, with more of a query."""
        caller, which = of
        ids = await self.ids(row, caller, which)
        body = None if row.body is None else json.loads(_filled(json.dumps(row.body), ids))
        once = {"idempotency-key": key} if key else {}
        call = self.world.call.as_({"x-request-id": "matrix", **caller.headers, **once})
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
        """The path with its places filled, `given` before all else, and the query."""
        places = {
            name: row.path.get(name, caller.path.get(name, THING)) for name in _PLACE.findall(path)
        }
        url = path.format(**(places | dict(given or {})))
        query = "&".join(part for part in (row.query, caller.query) if part)
        ids = await self.ids(row, caller, which)
        return _filled(f"{url}?{query}" if query else url, ids)

    async def ids(self, row: Row, caller: Caller, which: str) -> dict[str, str]:
        """What the names in angle brackets stand for."""
        said = f"{json.dumps(row.body)} {row.query} {row.path}"
        nouns = {noun for noun in _OWN.findall(said) if f"<{noun}>" != THING}
        named = {f"<{noun}>": (noun, "own") for noun in nouns}
        if row.noun is not None:
            named[THING] = (row.noun, which)
        return {
            name: await self.things.id(caller.nouns.get(noun, noun), caller.company, which)
            for name, (noun, which) in named.items()
        }

    async def _prints(self) -> list[Prints]:
        cast = self.world.cast
        both = (cast.acme.tenant.id, cast.rival.tenant.id)
        return [await fingerprint(cast.engine.db, tenant_id) for tenant_id in both]


def cells_of(callers: list[Caller], dialect: str, row: Row) -> Iterator[Cell]:
    """Each caller with each thing, and what may be answered."""
    # Where nobody is asked who calls, a few callers are as good as all (and logins are slow).
    for caller in callers[:: 8 if row.right.startswith("public") else 1]:
        for which in row.objects if row.noun is not None else ("own",):
            seen = "missing" if which in ("rival", "random") else which
            may = expected(dialect, row.right, caller.kind, caller.who, seen)
            if 404 in may and THING in f"{row.body} {row.query}":
                # What a body or a query names may be called wrong rather than not there.
                may |= NONSENSE
            if row.lists and seen in ("missing", "malformed") and may & NONSENSE:
                may |= YES | NONSENSE
            yield Cell(caller, which, may)


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        text = text.replace(name, value)
    return text
