"""Who may subscribe at `/cable`, and how a subscription without rights ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import structs

from koine.engine import offboarding
from koine.engine.contacts import inboxes, merge
from koine.engine.contacts.inboxes import InboxChanges
from koine.engine.conversations import conversations
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.kit.ids import new_id
from koine.kit.tokens import random_token
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.inbox import ContactInbox
from koine.store.contacts import inboxes as rows
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import CableClient, LiveServer, identifier, live_server

UNAUTHORIZED = {"type": "disconnect", "reason": "unauthorized", "reconnect": False}
WITHIN = 10.0
"""Seconds within which a socket must end after its rights did."""


@pytest.fixture
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def ended(client: CableClient) -> Any:
    async with asyncio.timeout(WITHIN):
        return (await client.until_closed())[-1]


async def rejected(live_inbox: LiveServer, contact_inbox: ContactInbox) -> bool:
    async with live_inbox.connect() as client:
        response = await client.subscribe(identifier(contact_inbox))
        return bool(response["type"] == "reject_subscription")


async def block(live_inbox: LiveServer, who: str) -> None:
    operator_actor, changes = operator(live_inbox.cast.acme.tenant.id), PersonChanges(blocked=True)
    await directory.change(
        live_inbox.cast.engine, operator_actor, live_inbox.cast.acme.id(who), "contact", changes
    )


async def test_a_blocked_contact_is_disconnected_and_cannot_subscribe(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await block(live_inbox, "carol")
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_a_removed_contact_is_disconnected_and_cannot_subscribe(
    live_inbox: LiveServer,
) -> None:
    company = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        operator_actor = operator(company.tenant.id)
        await offboarding.remove(
            live_inbox.cast.engine, operator_actor, company.id("carol"), "contact"
        )
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_the_contacts_of_a_removed_inbox_are_disconnected_and_cannot_subscribe(
    live_inbox: LiveServer,
) -> None:
    company = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        await inboxes.remove(live_inbox.cast.engine, operator(company.tenant.id), company.inbox.id)
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_of_several_subscriptions_only_the_one_without_rights_is_rejected(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.dave, live_inbox.carol) as client:
        await block(live_inbox, "dave")
        lost = {"identifier": identifier(live_inbox.dave), "type": "reject_subscription"}
        assert await client.receive() == lost
        await live_inbox.send()
        assert await client.event("message.created")


async def test_a_merged_contact_reconnects_as_the_contact_it_became(live_inbox: LiveServer) -> None:
    acme = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        await merge.merge(
            live_inbox.cast.engine, acme.actor("alice"), acme.id("dave"), acme.id("carol")
        )
        again = {"type": "disconnect", "reason": "remote", "reconnect": True}
        assert await ended(client) == again
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.send()
        event = await client.event("message.created")
        assert event["data"]["conversation"]["unread_count"] == 1


async def test_another_contact_inbox_of_the_contact_receives_nothing_of_this_one(
    live_inbox: LiveServer,
) -> None:
    acme = live_inbox.cast.acme
    contact_inbox = ContactInbox(
        acme.inbox.id, acme.id("carol"), new_id(), random_token(), False, 1, None, "joined"
    )
    await live_inbox.cast.engine.db.write(
        live_inbox.cast.acme.tenant.id, rows.insert_contact_inbox, contact_inbox
    )
    async with live_inbox.connect(contact_inbox) as client:
        await live_inbox.send()
        assert await live_inbox.events_of(client, contact_inbox) == []


async def test_a_contact_receives_all_of_its_own_events_once_it_is_verified(
    live_inbox: LiveServer,
) -> None:
    company = live_inbox.cast.acme
    operator_actor, changes = operator(company.tenant.id), PersonChanges(identifier="carol-1")
    await directory.change(
        live_inbox.cast.engine, operator_actor, company.id("carol"), "contact", changes
    )
    shown = {"X-Identifier-Hash": live_inbox.cast.identity_hash("carol-1")}
    async with live_inbox.connect(live_inbox.carol) as client:
        elsewhere = NewConversation(owner_id=company.id("carol"))
        await conversations.create(live_inbox.cast.engine, operator_actor, elsewhere)
        assert await live_inbox.events_of(client, live_inbox.carol) == []
        await live_inbox.request("GET", live_inbox.carol, "", headers=shown)
        conversation = await conversations.create(live_inbox.cast.engine, operator_actor, elsewhere)
        assert (await client.event("conversation.created"))["data"]["id"] == conversation.number


async def test_an_inbox_that_requires_an_identity_rejects_unverified_subscriptions(
    live_inbox: LiveServer,
) -> None:
    company = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        operator_actor, changes = operator(company.tenant.id), InboxChanges(identity_required=True)
        await inboxes.change(live_inbox.cast.engine, operator_actor, company.inbox.id, changes)
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)
    await directory.change(
        live_inbox.cast.engine,
        operator_actor,
        company.id("carol"),
        "contact",
        PersonChanges(identifier="carol-1"),
    )
    proven = structs.replace(live_inbox.carol, proof_required=True, proved_identifier="carol-1")
    await live_inbox.cast.engine.db.write(company.tenant.id, rows.change_contact_inbox, proven)
    assert not await rejected(live_inbox, proven)
