"""The lists that are measured of a large tenant, one request at a time over one connection."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from msgspec import Struct

from bench.generator import Generator, get
from bench.seed import token_claims
from bench.server import SECRET, Server
from bench.tenant_size import ADMIN, FIRST_AGENT, INBOX, PERSON, TenantSize, uuid
from bench.workload import DAY_S, messages
from koine.engine.core.engine import ISSUER
from koine.engine.verification.jwt import TokenSigner
from koine.kit.clock import SystemClock

Medians = dict[str, float]
"""The p50 of each list, in ms."""
DEEP = 500
LIMIT, FEW = 20, 10
DELIVERY, HELPDESK, NATIVE = (
    "/messaging/conversations",
    "/api/v1/conversations",
    "/v1/conversations",
)


class ListQuery(Struct, frozen=True):
    """One list: its name, its path without the page, whose token requests it; `deep` lists are
    also measured on page 500."""

    what: str
    path: str
    person: int
    role: str | None
    deep: bool = False


class Lists:
    """The lists of one server with one tenant: the first page of each, and page 500 of the deep."""

    def __init__(self, server: Server, generator: Generator, size: TenantSize) -> None:
        self._server = server
        self._generator = generator
        self._times: defaultdict[str, list[float]] = defaultdict(list)
        self.calls: dict[str, Path] = {}
        signer = TokenSigner(SECRET, ISSUER, ISSUER, SystemClock())
        for query in _lists(size):
            token = signer.sign(token_claims(size, query.person, query.role), DAY_S)
            for page in (1, DEEP) if query.deep else (1,):
                self._add(f"{query.what}, page {page}", f"{query.path}&page={page}", token)
        admin = signer.sign(token_claims(size, ADMIN, "tenant_admin"), DAY_S)
        for what, path in _cursor_pages(server, admin):
            self._add(f"native, {what}", path, admin)

    def measure(self, what: str, seconds: float) -> None:
        """Request one list repeatedly over one connection, if this tenant has that page."""
        if what in self.calls:
            run = self._generator.run(self._server.port, self.calls[what], 1, seconds)
            self._times[what].append(run.p50_ms)

    def medians(self) -> Medians:
        """The median of each list's p50."""
        return {what: median(times) for what, times in self._times.items()}

    def _add(self, what: str, path: str, token: str) -> None:
        if _is_full(self._server.get(path, token)):
            name = f"{self._server.port}-{len(self.calls)}"
            self.calls[what] = self._generator.prepare(name, [get(path, token)])


def _lists(size: TenantSize) -> Iterator[ListQuery]:
    driver = size.driver_of(1)
    admin = (ADMIN, "tenant_admin")
    yield ListQuery("delivery all", f"{DELIVERY}?limit={LIMIT}", *admin, deep=True)
    yield ListQuery("delivery status", f"{DELIVERY}?limit={LIMIT}&status=closed", *admin, deep=True)
    yield ListQuery("delivery type", f"{DELIVERY}?limit={LIMIT}&type=team", *admin, deep=True)
    yield ListQuery("delivery own", f"{DELIVERY}?limit={LIMIT}", driver, "driver", deep=True)
    yield ListQuery("messages", f"{messages(1)}?limit={LIMIT}", driver, "driver", deep=True)
    yield ListQuery("helpdesk all", f"{HELPDESK}?limit={LIMIT}", *admin, deep=True)
    for name, value in (
        ("status", "open"),
        ("priority", "high"),
        ("assignedTo", uuid(PERSON, FIRST_AGENT)),
        ("inboxId", uuid(INBOX, 1)),
        ("customerId", uuid(PERSON, size.customer_of(1))),
    ):
        few = FEW if name == "customerId" else LIMIT
        yield ListQuery(f"helpdesk {name}", f"{HELPDESK}?limit={few}&{name}={value}", *admin)


def _cursor_pages(server: Server, token: str) -> Iterator[tuple[str, str]]:
    """The paths of the first page and, where the list is that long, of page 500 by cursor."""
    path = first = f"{NATIVE}?limit={LIMIT}"
    yield "page 1", first
    for _ in range(DEEP - 1):
        cursor = json.loads(server.get(path, token)).get("next_cursor")
        if cursor is None:
            return
        path = f"{first}&cursor={cursor}"
    yield f"page {DEEP} by cursor", path


def _is_full(body: bytes) -> bool:
    """Whether a page is full, under any dialect's name of its items; a customer has only ten."""
    lists = [value for value in json.loads(body).values() if isinstance(value, list)]
    return len(lists[0]) in (FEW, LIMIT)
