"""The lists that are measured over a large world, one at a time over one connection."""

import json
from collections.abc import Iterator

from msgspec import Struct

from bench.calls import DAY_S, messages
from bench.generator import Generator, get
from bench.seed import token_claims
from bench.server import SECRET, Server
from bench.world import ADMIN, FIRST_AGENT, INBOX, PERSON, World, uuid
from koine.engine.engine import ISSUER
from koine.kit.clock import SystemClock
from koine.kit.jwt import TokenSigner

Found = dict[str, float]
"""The p50 of each list, in ms."""
DEEP = 500
LIMIT = 20
SECONDS = 1.0
DELIVERY, DESK, NATIVE = "/messaging/conversations", "/api/v1/conversations", "/v1/conversations"


class Asked(Struct, frozen=True):
    """One list: its name, its path without the page, who asks, and how its total is found."""

    what: str
    path: str
    person: int
    role: str | None
    deep: bool = False


def measure(server: Server, generator: Generator, world: World) -> Found:
    """Measure every list's first page, and page 500 where there is one."""
    signer = TokenSigner(SECRET, ISSUER, ISSUER, SystemClock())
    found: Found = {}
    for asked in _lists(world):
        token = signer.sign(token_claims(world, asked.person, asked.role), DAY_S)
        for page in (1, DEEP) if asked.deep else (1,):
            path = f"{asked.path}&page={page}"
            if _items(server.get(path, token)) == LIMIT:
                found[f"{asked.what}, page {page}"] = _time(server, generator, path, token)
    admin = signer.sign(token_claims(world, ADMIN, "tenant_admin"), DAY_S)
    for name, path in _walked(server, admin):
        found[f"native, {name}"] = _time(server, generator, path, admin)
    return found


def _lists(world: World) -> Iterator[Asked]:
    driver = world.driver_of(1)
    admin = (ADMIN, "tenant_admin")
    yield Asked("delivery all", f"{DELIVERY}?limit={LIMIT}", *admin, deep=True)
    yield Asked("delivery status", f"{DELIVERY}?limit={LIMIT}&status=closed", *admin, deep=True)
    yield Asked("delivery type", f"{DELIVERY}?limit={LIMIT}&type=team", *admin, deep=True)
    yield Asked("delivery own", f"{DELIVERY}?limit={LIMIT}", driver, "driver", deep=True)
    yield Asked("messages", f"{messages(1)}?limit={LIMIT}", driver, "driver", deep=True)
    yield Asked("helpdesk all", f"{DESK}?limit={LIMIT}", *admin, deep=True)
    for name, value in (
        ("status", "open"),
        ("priority", "high"),
        ("assignedTo", uuid(PERSON, FIRST_AGENT)),
        ("inboxId", uuid(INBOX, 1)),
        ("customerId", uuid(PERSON, world.customer_of(1))),
    ):
        few = 10 if name == "customerId" else LIMIT
        yield Asked(f"helpdesk {name}", f"{DESK}?limit={few}&{name}={value}", *admin)


def _walked(server: Server, token: str) -> Iterator[tuple[str, str]]:
    """The first page by cursor, and page 500 where the list is that long."""
    path = first = f"{NATIVE}?limit={LIMIT}"
    yield "page 1", first
    for _ in range(DEEP - 1):
        cursor = json.loads(server.get(path, token)).get("next_cursor")
        if cursor is None:
            return
        path = f"{first}&cursor={cursor}"
    yield f"page {DEEP} by cursor", path


def _items(body: bytes) -> int:
    """How many items a list has, whatever the dialect calls them; ten stand for a full page."""
    lists = [value for value in json.loads(body).values() if isinstance(value, list)]
    return LIMIT if lists and len(lists[0]) in (10, LIMIT) else len(lists[0])


def _time(server: Server, generator: Generator, path: str, token: str) -> float:
    requests = generator.prepare("list", [get(path, token)])
    generator.run(server.port, requests, 1, SECONDS / 4)
    return generator.run(server.port, requests, 1, SECONDS).p50_ms
