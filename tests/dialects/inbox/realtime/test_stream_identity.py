"""The attacks of `test_identity.py` at `/cable`: what the attacker's subscription receives."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from msgspec import structs

from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.model.inbox import ContactInbox
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server

MAIL, EVIL = "carol@web.test", "mine@evil.test"


@pytest.fixture
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def new_contact_inbox(live_inbox: LiveServer, **fields: object) -> ContactInbox:
    """The contact inbox of a new contact."""
    inbox = live_inbox.cast.acme.inbox.identifier
    url = f"{live_inbox.server.url}/public/api/v1/inboxes/{inbox}/contacts"
    async with httpx.AsyncClient() as web:
        body = (await web.post(url, json=fields)).json()
    return structs.replace(
        live_inbox.carol, source_id=body["source_id"], pubsub_token=body["pubsub_token"]
    )


async def by_email(live_inbox: LiveServer) -> ContactInbox:
    """a: the victim's e-mail, then a merge into the attacker's contact."""
    contact_inbox = await new_contact_inbox(live_inbox, email=MAIL)
    await new_contact_inbox(live_inbox, email=EVIL)
    await live_inbox.request("PATCH", contact_inbox, "", json={"email": EVIL})
    return contact_inbox


async def by_own_proof(live_inbox: LiveServer) -> ContactInbox:
    """b: the attacker's own identity hash beside the victim's e-mail."""
    shown = live_inbox.cast.identity_hash("attacker-1")
    return await new_contact_inbox(
        live_inbox, identifier="attacker-1", identifier_hash=shown, email=MAIL
    )


async def by_merging_proof(live_inbox: LiveServer) -> ContactInbox:
    """c: the attacker's verified contact merged into the victim, by way of a second one."""
    contact_inbox, second = await by_own_proof(live_inbox), await new_contact_inbox(live_inbox)
    shown = {"X-Identifier-Hash": live_inbox.cast.identity_hash("attacker-1")}
    await live_inbox.request("PATCH", contact_inbox, "", json={"email": EVIL}, headers=shown)
    await live_inbox.request("PATCH", second, "", json={"email": EVIL})
    await live_inbox.request("PATCH", second, "", json={"email": MAIL})
    return contact_inbox


async def by_waiting(live_inbox: LiveServer) -> ContactInbox:
    """d: an older contact that takes the e-mail of one to whom the tenant writes."""
    contact_inbox = await new_contact_inbox(live_inbox)
    await live_inbox.request("PATCH", contact_inbox, "", json={"email": MAIL})
    return contact_inbox


async def by_identifier(live_inbox: LiveServer) -> ContactInbox:
    """e: a guessed identifier."""
    acme = live_inbox.cast.acme
    changes = PersonChanges(identifier="carol-1")
    await directory.change(
        live_inbox.cast.engine, acme.actor("ada"), acme.id("carol"), "contact", changes
    )
    return await new_contact_inbox(live_inbox, identifier="carol-1")


@pytest.mark.parametrize(
    "way", [by_email, by_own_proof, by_merging_proof, by_waiting, by_identifier]
)
async def test_an_attacker_receives_nothing_of_the_victim(
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


async def test_an_old_proof_is_disconnected_when_the_tenant_changes_the_identifier(
    live_inbox: LiveServer,
) -> None:
    acme = live_inbox.cast.acme

    async def rename(identifier: str) -> None:
        changes = PersonChanges(identifier=identifier)
        ada = acme.actor("ada")
        await directory.change(live_inbox.cast.engine, ada, acme.id("carol"), "contact", changes)

    await rename("carol-1")
    shown = live_inbox.cast.identity_hash("carol-1")
    contact_inbox = await new_contact_inbox(live_inbox, identifier="carol-1", identifier_hash=shown)
    async with live_inbox.connect(contact_inbox) as client:
        await rename("carol-2")
        last: Any = (await client.until_closed())[-1]
        assert (last["reason"], last["reconnect"]) == ("unauthorized", False)
    async with live_inbox.connect() as client:
        assert (await client.subscribe(identifier(contact_inbox)))["type"] == "reject_subscription"
