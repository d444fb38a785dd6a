"""Random attributes through every dialect that accepts them, one request after another: each is
accepted or refused, and in any order nothing that is stored exceeds the limits."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from koine.engine.core import attributes
from koine.store.core.db import Tx
from koine.store.core.statements import Query, param
from koine.store.tables import contact_inboxes, conversations, identities, messages
from tests.drivers.asgi import Reply
from tests.drivers.cast_app import CastApp

TRIES = 40
KEYS = ["a", "b", "é", "long name " * 10, *(f"k{n}" for n in range(60))]
COLUMNS = [
    identities.c.custom_attributes, identities.c.additional_attributes, identities.c.settings,
    conversations.c.metadata, conversations.c.custom_attributes,
    messages.c.metadata, messages.c.content_attributes,
]  # fmt: skip
BAGS = [
    Query(sa.select(column).where(column.table.c.tenant_id == param("tenant_id")))
    for column in COLUMNS
]
GIVEN = Query(
    sa.select(contact_inboxes.c.given).where(contact_inboxes.c.tenant_id == param("tenant_id"))
)
Send = Callable[[dict[str, Any]], Awaitable[Reply]]


def bag(random: Random) -> dict[str, Any]:
    """Attributes that are small, full, with too many values, or too deep."""
    if random.random() < 0.1:
        return {f"{random.random()}": random.randrange(9) for _ in range(2000)}
    return {random.choice(KEYS): value(random, 0) for _ in range(random.randrange(12))}


def value(random: Random, depth: int) -> Any:
    kind = random.randrange(5)
    if kind == 0:
        return "xé😀"[random.randrange(3)] * random.choice([1, 700, 1400, 1400, 1501])
    if kind == 1:
        return random.choice([0, -1, 2.5, True, None, 10**10, ""])
    if kind == 2 or depth > 12:
        return [value(random, depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(KEYS): value(random, depth + random.choice([1, 8])) for _ in "ab"}


async def requests(cast_app: CastApp, random: Random) -> list[tuple[str, Send]]:
    """One request of each kind: its name, and the function that sends it with attributes."""
    acme, conversation = cast_app.cast.acme, await cast_app.create_conversation()
    parcel = await cast_app.open_delivery_conversation()
    inbox = f"/public/api/v1/inboxes/{acme.inbox.identifier}/contacts"
    mine = f"{inbox}/{acme.contact_inboxes['carol'].source_id}"
    ada, dan = (cast_app.call.with_headers(cast_app.cast.bearer(who)) for who in ("ada", "dan"))
    staff, contact = f"/v1/conversations/{conversation.id}", f"/v1/contacts/{acme.id('carol')}"
    sent = f"/messaging/conversations/{parcel.id}/messages"

    async def merged(b: dict[str, Any]) -> Reply:
        email = f"{random.random()}@web.test"
        there = await cast_app.call("POST", inbox, {"email": email, "custom_attributes": b})
        here = await cast_app.call("POST", inbox, {"custom_attributes": bag(random)})
        if there.status == here.status == 200:
            path = f"{inbox}/{here.json()['source_id']}"
            return await cast_app.call("PATCH", path, {"email": email})
        return there

    return [
        ("patch", lambda b: cast_app.call("PATCH", mine, {"custom_attributes": b})),
        ("merge", merged),
        (
            "open",
            lambda b: cast_app.call("POST", f"{mine}/conversations", {"custom_attributes": b}),
        ),
        ("staff", lambda b: ada("PATCH", contact, {"additional_attributes": b})),
        ("conversation", lambda b: ada("PATCH", staff, {"metadata": b, "custom_attributes": b})),
        ("post", lambda b: ada("POST", f"{staff}/messages", {"content": "x", "metadata": b})),
        ("send", lambda b: dan("POST", sent, {"content": "x", "metadata": b})),
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_no_sequence_of_calls_makes_a_bag_too_large(cast_app: CastApp, seed: int) -> None:
    random = Random(seed)
    calls, responses = await requests(cast_app, random), dict[tuple[str, bool], int]()
    for _ in range(TRIES):
        name, send = random.choice(calls)
        reply = await send(bag(random))
        assert reply.status in (200, 201, 400, 422), reply.text
        responses[name, reply.status < 300] = responses.get((name, reply.status < 300), 0) + 1
    assert {accepted for _, accepted in responses} == {True, False}
    tenant_id = cast_app.cast.acme.tenant.id
    stored = await cast_app.cast.engine.db.read(tenant_id, _stored)
    assert len(stored) > 10
    for each in stored:
        attributes.check("stored", each)
    for (given,) in await cast_app.cast.engine.db.read(tenant_id, _given_by_clients):
        attributes.check("given", given, attributes.SETTINGS)


async def _stored(tx: Tx) -> list[str]:
    """All attributes of the tenant's identities, conversations and messages."""
    rows = [row for query in BAGS for row in await tx.all(query)]
    return [str(text) for (text,) in rows if text is not None]


async def _given_by_clients(tx: Tx) -> list[tuple[str | None]]:
    """What the clients of contact inboxes gave of their contacts, attributes included."""
    return await tx.all(GIVEN)
