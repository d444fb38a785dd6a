"""The ways in of the review once more, at `/cable`: what a stranger's place is told live."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from msgspec import structs

from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.kit.tokens import hmac_hex
from koine.model.inbox import ContactInbox
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server

MAIL, EVIL = "carol@web.test", "mine@evil.test"


@pytest.fixture
async def here(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def made(here: LiveServer, **given: object) -> ContactInbox:
    """A stranger's place."""
    inbox = here.cast.acme.inbox.identifier
    url = f"{here.server.url}/public/api/v1/inboxes/{inbox}/contacts"
    async with httpx.AsyncClient() as web:
        told = (await web.post(url, json=given)).json()
    return structs.replace(
        here.carol, source_id=told["source_id"], pubsub_token=told["pubsub_token"]
    )


async def by_email(here: LiveServer) -> ContactInbox:
    """a: an e-mail, then a merge into oneself."""
    place = await made(here, email=MAIL)
    await made(here, email=EVIL)
    await here.call("PATCH", place, "", json={"email": EVIL})
    return place


async def by_own_proof(here: LiveServer) -> ContactInbox:
    """b: one's own proof beside the victim's e-mail."""
    shown = hmac_hex(here.cast.acme.inbox.hmac_token, "stranger-1")
    return await made(here, identifier="stranger-1", identifier_hash=shown, email=MAIL)


async def by_merging_proof(here: LiveServer) -> ContactInbox:
    """c: one's proven place merged into the victim, by way of a second one."""
    place, second = await by_own_proof(here), await made(here)
    shown = {"X-Identifier-Hash": hmac_hex(here.cast.acme.inbox.hmac_token, "stranger-1")}
    await here.call("PATCH", place, "", json={"email": EVIL}, headers=shown)
    await here.call("PATCH", second, "", json={"email": EVIL})
    await here.call("PATCH", second, "", json={"email": MAIL})
    return place


async def by_waiting(here: LiveServer) -> ContactInbox:
    """d: an older place that takes the e-mail of one whom the tenant writes to."""
    place = await made(here)
    await here.call("PATCH", place, "", json={"email": MAIL})
    return place


async def by_identifier(here: LiveServer) -> ContactInbox:
    """e: a guessed identifier."""
    acme = here.cast.acme
    changes = PersonChanges(identifier="carol-1")
    await directory.change(
        here.cast.engine, acme.actor("ada"), acme.id("carol"), "contact", changes
    )
    return await made(here, identifier="carol-1")


@pytest.mark.parametrize(
    "way", [by_email, by_own_proof, by_merging_proof, by_waiting, by_identifier]
)
async def test_a_stranger_hears_nothing_of_the_victim(
    here: LiveServer, way: Callable[[LiveServer], Awaitable[ContactInbox]]
) -> None:
    stranger = await way(here)
    async with here.connect(stranger) as client, here.connect(here.carol) as victim:
        await here.say("the code is 4711")
        assert (await victim.event("message.created"))["data"]["content"] == "the code is 4711"
        assert await client.events() == []


async def test_an_old_proof_is_sent_away_when_the_tenant_changes_the_identifier(
    here: LiveServer,
) -> None:
    acme = here.cast.acme

    async def rename(identifier: str) -> None:
        changes = PersonChanges(identifier=identifier)
        ada = acme.actor("ada")
        await directory.change(here.cast.engine, ada, acme.id("carol"), "contact", changes)

    await rename("carol-1")
    shown = hmac_hex(acme.inbox.hmac_token, "carol-1")
    place = await made(here, identifier="carol-1", identifier_hash=shown)
    async with here.connect(place) as client:
        await rename("carol-2")
        last: Any = (await client.closed())[-1]
        assert (last["reason"], last["reconnect"]) == ("unauthorized", False)
    async with here.connect() as client:
        assert (await client.subscribe(identifier(place)))["type"] == "reject_subscription"
