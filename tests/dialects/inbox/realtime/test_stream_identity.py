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
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def new_contact_inbox(here: LiveServer, **given: object) -> ContactInbox:
    """A stranger's place."""
    inbox = here.cast.acme.inbox.identifier
    url = f"{here.server.url}/public/api/v1/inboxes/{inbox}/contacts"
    async with httpx.AsyncClient() as web:
        body = (await web.post(url, json=given)).json()
    return structs.replace(
        here.carol, source_id=body["source_id"], pubsub_token=body["pubsub_token"]
    )


async def by_email(here: LiveServer) -> ContactInbox:
    """a: an e-mail, then a merge into oneself."""
    place = await new_contact_inbox(here, email=MAIL)
    await new_contact_inbox(here, email=EVIL)
    await here.request("PATCH", place, "", json={"email": EVIL})
    return place


async def by_own_proof(here: LiveServer) -> ContactInbox:
    """b: one's own proof beside the victim's e-mail."""
    shown = hmac_hex(here.cast.acme.inbox.hmac_token, "stranger-1")
    return await new_contact_inbox(here, identifier="stranger-1", identifier_hash=shown, email=MAIL)


async def by_merging_proof(here: LiveServer) -> ContactInbox:
    """c: one's proven place merged into the victim, by way of a second one."""
    place, second = await by_own_proof(here), await new_contact_inbox(here)
    shown = {"X-Identifier-Hash": hmac_hex(here.cast.acme.inbox.hmac_token, "stranger-1")}
    await here.request("PATCH", place, "", json={"email": EVIL}, headers=shown)
    await here.request("PATCH", second, "", json={"email": EVIL})
    await here.request("PATCH", second, "", json={"email": MAIL})
    return place


async def by_waiting(here: LiveServer) -> ContactInbox:
    """d: an older place that takes the e-mail of one whom the tenant writes to."""
    place = await new_contact_inbox(here)
    await here.request("PATCH", place, "", json={"email": MAIL})
    return place


async def by_identifier(here: LiveServer) -> ContactInbox:
    """e: a guessed identifier."""
    acme = here.cast.acme
    changes = PersonChanges(identifier="carol-1")
    await directory.change(
        here.cast.engine, acme.actor("ada"), acme.id("carol"), "contact", changes
    )
    return await new_contact_inbox(here, identifier="carol-1")


@pytest.mark.parametrize(
    "way", [by_email, by_own_proof, by_merging_proof, by_waiting, by_identifier]
)
async def test_a_stranger_hears_nothing_of_the_victim(
    live_inbox: LiveServer, way: Callable[[LiveServer], Awaitable[ContactInbox]]
) -> None:
    attacker = await way(live_inbox)
    async with (
        live_inbox.connect(attacker) as client,
        live_inbox.connect(live_inbox.carol) as victim,
    ):
        await live_inbox.send("the code is 4711")
        assert (await victim.event("message.created"))["data"]["content"] == "the code is 4711"
        assert await client.events() == []


async def test_an_old_proof_is_sent_away_when_the_tenant_changes_the_identifier(
    live_inbox: LiveServer,
) -> None:
    acme = live_inbox.cast.acme

    async def rename(identifier: str) -> None:
        changes = PersonChanges(identifier=identifier)
        ada = acme.actor("ada")
        await directory.change(live_inbox.cast.engine, ada, acme.id("carol"), "contact", changes)

    await rename("carol-1")
    shown = hmac_hex(acme.inbox.hmac_token, "carol-1")
    place = await new_contact_inbox(live_inbox, identifier="carol-1", identifier_hash=shown)
    async with live_inbox.connect(place) as client:
        await rename("carol-2")
        last: Any = (await client.until_closed())[-1]
        assert (last["reason"], last["reconnect"]) == ("unauthorized", False)
    async with live_inbox.connect() as client:
        assert (await client.subscribe(identifier(place)))["type"] == "reject_subscription"
