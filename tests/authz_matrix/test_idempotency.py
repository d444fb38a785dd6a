"""Idempotency-Key on every route that writes, of every dialect (contracts/README.md)."""

import asyncio

import pytest

from koine.kit.ids import new_id
from koine.server import dialects
from koine.store.core.db import Database
from tests.authz_matrix.callers import Caller
from tests.authz_matrix.expectations import YES
from tests.authz_matrix.runner import Run, cells_of
from tests.authz_matrix.table import TABLE
from tests.drivers.asgi import Reply

WRITES = {
    (dialect.name, f"{route.method} {route.path}"): route
    for dialect in dialects()
    for route in dialect.routes
    if route.method in ("POST", "PUT", "PATCH")
}
ELSEWHERE = ("native", "POST /v1/webhooks/{webhook_id}/deliveries/{event_id}/replay")
"""There is no delivery here to replay: tests/dialects/native/test_webhooks.py."""
KEPT = [
    each
    for each, route in WRITES.items()
    if route.idempotent and not route.public and each != ELSEWHERE
]
EXEMPT = {
    "POST /v1/auth/login",  # no actor yet, to whom the key would belong
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "POST /v1/tenant/export",  # the payload is a secret, and a second export is refused
    "POST /v1/api-keys",  # the response has a secret that is shown once
    "POST /v1/conversations/{conversation_id}/typing",  # an ephemeral event: nothing is written
    "PUT /v1/presence",
    "PUT /v1/me/password",  # the payload is a secret, and the second request changes nothing
    "POST /public/api/v1/inboxes/{inbox}/contacts/{contact}/conversations/{conversation}"
    "/toggle_typing",  # nothing is written
    "POST /api/v1/webhooks/{id}/test",
    "POST /v1/webhooks/{webhook_id}/test",  # one attempt, with its result at that time
}
NAMED = [each for each in KEPT if each[0] != "inbox" or "{contact}" in each[1]]
"""Routes with more than one actor: the actor of an unknown contact or a survey is in the path."""


@pytest.fixture
def db(postgres_db: Database) -> Database:
    """One database, and the one that runs concurrent requests concurrently. How a key is kept is
    tested on both in tests/http."""
    return postgres_db


class RepeatedRequest:
    """Repeats the request of one route with one key."""

    def __init__(self, run: Run, dialect: str, route: str) -> None:
        self.run, self.row = run, TABLE[dialect][route]
        self.method, self.path = route.split()
        everyone = run.callers.get(dialect, run.callers["everywhere"])
        cells = [c for c in cells_of(everyone, dialect, self.row) if c.which == "own"]
        self.may = [cell.caller for cell in cells if cell.expected & YES]
        self.key = new_id()

    async def __call__(
        self, caller: Caller | None = None, spelled: str = "{}", query: str = ""
    ) -> Reply:
        of = (caller or self.may[0], "own")
        key = spelled.format(self.key)
        return await self.run.send(self.method, self.path, self.row, of, query, key)


def replayed(reply: Reply) -> bool:
    return reply.headers.get("idempotent-replayed") == "true"


def test_every_route_that_writes_stores_its_responses() -> None:
    assert {route for _, route in set(WRITES) - {*KEPT, ELSEWHERE}} == EXEMPT


@pytest.mark.parametrize(("dialect", "route"), KEPT)
async def test_the_first_response_is_replayed(run: Run, dialect: str, route: str) -> None:
    ask = RepeatedRequest(run, dialect, route)
    first, again = await ask(), await ask(spelled='"{}"')
    assert first.status in YES
    assert not replayed(first)
    assert replayed(again)
    assert (again.status, again.content) == (first.status, first.content)
    assert again.headers["content-type"] == first.headers["content-type"] if first.content else True


@pytest.mark.parametrize(("dialect", "route"), KEPT)
async def test_another_payload_is_refused(run: Run, dialect: str, route: str) -> None:
    ask = RepeatedRequest(run, dialect, route)
    await ask()
    assert (await ask(query="another=1")).status == 422
    assert replayed(await ask())


@pytest.mark.parametrize(("dialect", "route"), NAMED)
async def test_the_same_key_of_another_caller_is_independent(
    run: Run, dialect: str, route: str
) -> None:
    ask = RepeatedRequest(run, dialect, route)
    await ask()
    others = [each for each in ask.may if each.column != ask.may[0].column]
    for other in others[:2]:
        assert not replayed(await ask(other))


@pytest.mark.parametrize(("dialect", "route"), KEPT)
async def test_concurrent_requests_with_one_key_run_once(
    run: Run, dialect: str, route: str
) -> None:
    ask = RepeatedRequest(run, dialect, route)
    await ask.run.ids(ask.row, ask.may[0], "own")
    replies = await asyncio.gather(*(ask() for _ in range(8)))
    ran = [reply for reply in replies if reply.status != 409 and not replayed(reply)]
    assert len(ran) == 1
    assert all(r.content == ran[0].content for r in replies if r.status != 409)
