"""What anonymous clients can create is bounded: contacts, conversations and bytes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from koine.dialects.inbox import InboxDialect
from koine.http.app import build_app
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.store.core.db import Database
from koine.store.core.statements import Query
from tests.cast import http, make_cast
from tests.dialects.inbox.conftest import BASE, InboxClient

MakeClient = Callable[..., AbstractAsyncContextManager[InboxClient]]
MIB = 1 << 20
_PAGES = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_FILES = "SELECT pg_database_size(current_database())"
_SIZES = {
    kind: Query(text(asked), int, crosses_tenants="the size of all that is kept")
    for kind, asked in (("sqlite", _PAGES), ("postgres", _FILES))
}


@pytest.fixture
def make_client(db: Database, tmp_path: Path) -> MakeClient:
    """The inbox API of Acme under given settings."""

    @asynccontextmanager
    async def open_(**settings: Any) -> AsyncIterator[InboxClient]:
        cast = await make_cast(db, data_dir=str(tmp_path), **settings)
        async with http(cast.engine, InboxDialect()) as web:
            yield InboxClient(web, cast)

    return open_


async def create_contact(client: InboxClient, inbox: Any = None, **body: object) -> httpx.Response:
    of = inbox or client.cast.acme.inbox
    return await client.web.post(f"{BASE}/{of.identifier}/contacts", json=body)


def is_later(response: httpx.Response, most_seconds: int) -> bool:
    after = int(response.headers.get("retry-after", 0))
    return (response.status_code, response.text) == (
        429,
        "Retry later",
    ) and 0 < after <= most_seconds


async def test_an_address_creates_a_bounded_number_of_contacts_in_an_hour(
    make_client: MakeClient,
) -> None:
    async with make_client(inbox_contacts_per_address=3) as client:
        created = [await create_contact(client) for _ in range(4)]
        assert [each.status_code for each in created] == [200, 200, 200, 429]
        assert is_later(created[-1], 3600)
        assert (await create_contact(client, await client.new_inbox())).status_code == 429


async def test_a_known_contact_is_found_when_the_budget_is_spent(make_client: MakeClient) -> None:
    async with make_client(inbox_contacts_per_address=1) as client:
        shown = {"identifier": "u", "identifier_hash": client.sign("u")}
        first = await create_contact(client, **shown)
        assert (await create_contact(client)).status_code == 429
        again = await create_contact(client, **shown)
        assert again.json()["id"] == first.json()["id"]
        named = await create_contact(client, source_id=client.carol.source_id)
        assert named.json()["source_id"] == client.carol.source_id


async def test_clients_of_a_trusting_inbox_have_the_budget_of_the_inbox_alone(
    make_client: MakeClient,
) -> None:
    async with make_client(inbox_contacts_per_address=1, inbox_contacts_per_inbox=3) as client:
        trusting_inbox = await client.trusting_inbox()
        created = [await create_contact(client, trusting_inbox) for _ in range(4)]
        assert [each.status_code for each in created] == [200, 200, 200, 429]
        assert is_later(created[-1], 24 * 3600)
        assert (await create_contact(client)).status_code == 200


async def test_a_contact_creates_a_bounded_number_of_conversations_in_an_hour(
    make_client: MakeClient,
) -> None:
    async with make_client(inbox_conversations_per_contact=2) as client:
        created = [await client.carol.request("POST", "/conversations") for _ in range(3)]
        assert [each.status_code for each in created] == [200, 200, 429]
        assert is_later(created[-1], 3600)
        assert (await client.dave.request("POST", "/conversations")).status_code == 200


async def test_a_request_refused_by_a_budget_succeeds_later_under_the_same_key(
    make_client: MakeClient,
) -> None:
    async with make_client(inbox_conversations_per_contact=1) as client:
        engine = client.cast.engine
        app = build_app(
            [InboxDialect()], engine, engine.settings, idempotency=DatabaseIdempotencyStore(engine)
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://koine.test") as web:
            carol = InboxClient(web, client.cast).carol
            assert (await carol.request("POST", "/conversations")).status_code == 200
            carol.headers["Idempotency-Key"] = "k"
            assert (await carol.request("POST", "/conversations")).status_code == 429
            engine.settings = type(engine.settings)(inbox_conversations_per_contact=0)
            later = await carol.request("POST", "/conversations")
            assert (later.status_code, later.headers.get("idempotent-replayed")) == (200, None)


@pytest.mark.parametrize("budget", ["inbox_bytes_per_address", "inbox_bytes_per_inbox"])
async def test_a_client_writes_a_bounded_number_of_bytes(
    make_client: MakeClient, budget: str
) -> None:
    async with make_client(**{budget: MIB}) as client:
        conversation = await client.carol.create_conversation()
        path = f"/conversations/{conversation['id']}/messages"
        body = {"content": "x" * 100_000}
        responses = [await client.carol.request("POST", path, json=body) for _ in range(6)]
        assert [each.status_code for each in responses] == [200] * 5 + [429]
        assert is_later(responses[-1], 24 * 3600)
        typing = await client.carol.request(
            "POST", f"/conversations/{conversation['id']}/toggle_typing"
        )
        reading = await client.carol.request("GET", path)
        assert (typing.status_code, reading.status_code) == (200, 200)


async def test_the_database_grows_by_no_more_than_the_budget(make_client: MakeClient) -> None:
    async with make_client(inbox_bytes_per_inbox=2 * MIB) as client:
        before = await size_of(client.cast.engine.db)
        taken = 0
        for n in range(3000):
            response = await a_call_that_grows(client, n)
            if response.status_code == 429:
                break
            assert response.status_code == 200, response.text
            taken += 1
        assert 100 < taken < 3000
        assert await size_of(client.cast.engine.db) - before <= 2 * MIB


async def a_call_that_grows(client: InboxClient, n: int) -> httpx.Response:
    bag = {f"k{i}": f"{n} é" * 100 for i in range(n % 8)}
    match n % 5:
        case 0:
            return await create_contact(client, name=f"N {n}", custom_attributes=bag)
        case 1:
            return await client.carol.request("PATCH", json={"name": f"N {n}"})
        case 2:
            body = {"custom_attributes": bag}
            return await client.dave.request("POST", "/conversations", json=body)
        case 3:
            return await client.dave.request("PATCH", json={"email": f"{n}@web.test"})
    return await client.carol.request("POST", "/conversations")


async def size_of(db: Database) -> int:
    """Bytes of the whole database."""
    return (await db.read("", lambda tx: tx.all(_SIZES[db.kind])))[0]
