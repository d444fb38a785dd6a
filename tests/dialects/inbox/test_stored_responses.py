"""Responses stored under an Idempotency-Key, up to a size and a budget; beyond those, a request
with the same key is still not executed twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from koine.dialects.inbox import InboxDialect
from koine.http.app import build_app
from koine.http.idempotency_store import DatabaseIdempotencyStore
from koine.store.core.db import Database, Tx
from koine.store.core.statements import Query, param
from koine.store.tables import idempotency_keys as t
from tests.cast import make_cast
from tests.dialects.inbox.conftest import BASE, ContactClient, InboxClient

LIMIT = 8192
BUDGET = 4 * LIMIT
_SIZE = Query(
    select(func.coalesce(func.sum(func.length(t.c.content)), 0)).where(
        t.c.tenant_id == param("tenant_id")
    ),
    int,
)


@pytest.fixture
async def inbox_client(db: Database, tmp_path: Path) -> AsyncIterator[InboxClient]:
    """The inbox API of Acme, which stores small responses only, and few of them."""
    cast = await make_cast(
        db,
        data_dir=str(tmp_path),
        idempotency_response_limit=LIMIT,
        idempotency_bytes_per_caller=BUDGET,
        idempotency_bytes_per_tenant=4 * BUDGET,
    )
    app = build_app(
        [InboxDialect()],
        cast.engine,
        cast.engine.settings,
        idempotency=DatabaseIdempotencyStore(cast.engine),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://koine.test"
    ) as web:
        yield InboxClient(web, cast)


async def stored_bytes(client: InboxClient) -> int:
    async def size(tx: Tx) -> int:
        return (await tx.all(_SIZE))[0]

    return await client.cast.engine.db.read(client.cast.acme.tenant.id, size)


async def post_with_key(
    contact: ContactClient, key: str, path: str, **body: object
) -> httpx.Response:
    return await contact.request("POST", path, json=body, headers={"Idempotency-Key": key})


async def long_conversation(client: InboxClient) -> dict[str, Any]:
    conversation = await client.carol.create_conversation()
    for _ in range(3):
        await client.carol.send(conversation["id"], "x" * LIMIT)
    return conversation


async def test_a_large_response_is_not_stored_but_rendered_again(inbox_client: InboxClient) -> None:
    created = await long_conversation(inbox_client)
    path = f"/conversations/{created['id']}/toggle_status"
    for n in range(5):
        first = await post_with_key(inbox_client.carol, f"key-{n}", path)
        again = await post_with_key(inbox_client.carol, f"key-{n}", path)
        assert again.status_code == 200
        assert again.content == first.content
        assert again.headers["idempotent-replayed"] == "true"
    assert await stored_bytes(inbox_client) < LIMIT


async def test_another_payload_is_refused_where_the_response_was_not_stored(
    inbox_client: InboxClient,
) -> None:
    conversation = await inbox_client.carol.create_conversation()
    path = f"/conversations/{conversation['id']}/messages"
    first = await post_with_key(inbox_client.carol, "k", path, content="x" * LIMIT)
    again = await post_with_key(inbox_client.carol, "k", path, content="x" * LIMIT)
    assert (first.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert (
        await post_with_key(inbox_client.carol, "k", path, content="y" * LIMIT)
    ).status_code == 422


async def test_beyond_its_budget_a_callers_responses_are_rendered_anew(
    inbox_client: InboxClient,
) -> None:
    created = [
        (await post_with_key(inbox_client.carol, f"k{n}", "/conversations")).json()
        for n in range(100)
    ]
    again = [
        (await post_with_key(inbox_client.carol, f"k{n}", "/conversations")).json()
        for n in range(100)
    ]
    assert [each["id"] for each in again] == [each["id"] for each in created]
    assert await stored_bytes(inbox_client) <= 2 * BUDGET
    dave = await post_with_key(inbox_client.dave, "k", "/conversations")
    assert (await post_with_key(inbox_client.dave, "k", "/conversations")).content == dave.content


async def test_contacts_together_store_no_more_than_half_of_the_tenants_budget(
    inbox_client: InboxClient,
) -> None:
    for _ in range(4):
        contact = await inbox_client.new_contact()
        for n in range(60):
            response = await post_with_key(contact, f"k{n}", "/conversations")
            assert response.status_code == 200
    assert BUDGET < await stored_bytes(inbox_client) <= 3 * BUDGET


async def test_a_stored_response_needs_the_same_proof(inbox_client: InboxClient) -> None:
    contact = await inbox_client.verified_contact("u", name="Uma")
    contact.headers["Idempotency-Key"] = "k"
    first = await contact.request("PATCH", json={"name": "Ulla"})
    assert (await contact.request("PATCH", json={"name": "Ulla"})).content == first.content
    for shown in ({}, {"X-Identifier-Hash": "0" * 64}):
        attacker = inbox_client.contact_client(contact.source_id)
        attacker.headers |= {"Idempotency-Key": "k"} | shown
        response = await attacker.request("PATCH", json={"name": "Ulla"})
        assert response.status_code in (401, 422)
        assert "Ulla" not in response.text


async def test_a_contact_found_by_proof_is_not_returned_again_without(
    inbox_client: InboxClient,
) -> None:
    contact = await inbox_client.verified_contact("u", name="Uma")
    url, body = f"{BASE}/{contact.inbox.identifier}/contacts", {"identifier": "u"}
    key = {"Idempotency-Key": "k"}
    first = await inbox_client.web.post(url, json=body, headers=contact.headers | key)
    again = await inbox_client.web.post(url, json=body, headers=key)
    assert first.json()["name"] == "Uma"
    assert "Uma" not in again.text and first.json()["source_id"] not in again.text
