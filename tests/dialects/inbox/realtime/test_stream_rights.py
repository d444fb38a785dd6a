"""Who may listen at `/cable`, and that who may no longer is told so."""

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
from koine.kit.tokens import hmac_hex, random_token
from koine.model.actor import operator
from koine.model.conversation import NewConversation
from koine.model.inbox import ContactInbox
from koine.store.core.db import Database
from koine.store.people import inboxes as rows
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import CableClient, LiveServer, identifier, live_server

UNAUTHORIZED = {"type": "disconnect", "reason": "unauthorized", "reconnect": False}
WITHIN = 5.0
"""Seconds in which a lost right must have reached an open socket."""


@pytest.fixture
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def ended(client: CableClient) -> Any:
    async with asyncio.timeout(WITHIN):
        return (await client.until_closed())[-1]


async def rejected(here: LiveServer, place: ContactInbox) -> bool:
    async with here.connect() as client:
        response = await client.subscribe(identifier(place))
        return bool(response["type"] == "reject_subscription")


async def block(here: LiveServer, who: str) -> None:
    operator_actor, changes = operator(here.cast.acme.tenant.id), PersonChanges(blocked=True)
    await directory.change(
        here.cast.engine, operator_actor, here.cast.acme.id(who), "contact", changes
    )


async def test_a_blocked_contact_is_sent_away_and_comes_in_no_more(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await block(live_inbox, "carol")
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_so_is_one_that_is_removed(live_inbox: LiveServer) -> None:
    company = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        operator_actor = operator(company.tenant.id)
        await offboarding.remove(
            live_inbox.cast.engine, operator_actor, company.id("carol"), "contact"
        )
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_so_is_everyone_of_an_inbox_that_is_removed(live_inbox: LiveServer) -> None:
    company = live_inbox.cast.acme
    async with live_inbox.connect(live_inbox.carol) as client:
        await inboxes.remove(live_inbox.cast.engine, operator(company.tenant.id), company.inbox.id)
        assert await ended(client) == UNAUTHORIZED
    assert await rejected(live_inbox, live_inbox.carol)


async def test_of_several_subscriptions_the_lost_one_is_rejected_and_the_others_go_on(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.dave, live_inbox.carol) as client:
        await block(live_inbox, "dave")
        lost = {"identifier": identifier(live_inbox.dave), "type": "reject_subscription"}
        assert await client.receive() == lost
        await live_inbox.send()
        assert await client.event("message.created")


async def test_a_merged_contact_comes_back_as_the_one_it_became(live_inbox: LiveServer) -> None:
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


async def test_another_place_of_the_contact_shows_nothing_of_this_one(
    live_inbox: LiveServer,
) -> None:
    acme = live_inbox.cast.acme
    place = ContactInbox(
        acme.inbox.id, acme.id("carol"), new_id(), random_token(), False, 1, None, "joined"
    )
    await live_inbox.cast.engine.db.write(
        live_inbox.cast.acme.tenant.id, rows.insert_contact_inbox, place
    )
    async with live_inbox.connect(place) as client:
        await live_inbox.send()
        assert await client.receive_or_none() is None


async def test_a_contact_who_proves_who_it_is_hears_all_of_its_own_from_then_on(
    live_inbox: LiveServer,
) -> None:
    company = live_inbox.cast.acme
    operator_actor, changes = operator(company.tenant.id), PersonChanges(identifier="carol-1")
    await directory.change(
        live_inbox.cast.engine, operator_actor, company.id("carol"), "contact", changes
    )
    shown = {"X-Identifier-Hash": hmac_hex(company.inbox.hmac_token, "carol-1")}
    async with live_inbox.connect(live_inbox.carol) as client:
        elsewhere = NewConversation(owner_id=company.id("carol"))
        await conversations.create(live_inbox.cast.engine, operator_actor, elsewhere)
        assert await client.events() == []
        await live_inbox.request("GET", live_inbox.carol, "", headers=shown)
        made = await conversations.create(live_inbox.cast.engine, operator_actor, elsewhere)
        assert (await client.event("conversation.created"))["data"]["id"] == made.number


async def test_an_inbox_that_demands_an_identity_lets_nobody_listen_without(
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
