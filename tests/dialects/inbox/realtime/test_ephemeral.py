"""Typing and presence between contacts and agents, also across nodes."""

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from koine.dialects.inbox import InboxDialect
from koine.engine.people import directory
from koine.engine.people.directory import PersonChanges
from koine.realtime import presence
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server, new_conversation
from tests.dialects.native.websocket_client import WebSocketClient
from tests.realtime import test_ephemeral
from tests.support.live_server import live


@pytest.fixture
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def agent(live_inbox: LiveServer, socket: WebSocketClient, name: str = "alice") -> None:
    await socket.send(type="hello", token=live_inbox.cast.token(name))
    await socket.until("ready")


async def test_contacts_receive_an_agents_typing_but_not_that_of_a_private_note(
    live_inbox: LiveServer,
) -> None:
    conversation = {"type": "typing", "conversation_id": live_inbox.conversation.id}
    async with (
        connect(f"{live_inbox.server.ws}/v1/socket") as socket,
        live_inbox.connect(live_inbox.carol) as client,
    ):
        alice = WebSocketClient(socket)
        await agent(live_inbox, alice)
        await alice.command(**conversation, private=True)
        await alice.command(**conversation)
        event = await client.event("conversation.typing_on")
        assert event["data"]["conversation"]["id"] == live_inbox.conversation.number
        number = live_inbox.cast.acme.people["alice"].number
        assert (event["data"]["user"]["id"], event["data"]["is_private"]) == (number, False)
        assert "event_id" not in event
        await alice.command(**conversation, on=False)
        assert await client.events() == ["conversation.typing_off"]


async def test_agents_receive_a_contacts_typing_and_no_contact_does(
    live_inbox: LiveServer,
) -> None:
    path = f"/conversations/{live_inbox.conversation.number}/toggle_typing"
    async with (
        connect(f"{live_inbox.server.ws}/v1/socket") as socket,
        live_inbox.connect(live_inbox.carol, live_inbox.dave) as client,
    ):
        alice = WebSocketClient(socket)
        await agent(live_inbox, alice)
        for status in ("perhaps", "on", "off"):
            await live_inbox.post(live_inbox.carol, path, typing_status=status)
        for on in (True, False):
            event = await alice.until("typing")
            assert event["conversation_id"] == live_inbox.conversation.id
            assert (event["who"]["name"], event["on"]) == ("Carol Contact", on)
        assert await client.events() == []


async def test_agents_receive_no_typing_of_a_blocked_contact(live_inbox: LiveServer) -> None:
    acme, engine = live_inbox.cast.acme, live_inbox.cast.engine
    other = await new_conversation(live_inbox.cast, "dave")
    changes = PersonChanges(blocked=True)
    await directory.change(engine, acme.actor("ada"), acme.id("carol"), "contact", changes)
    async with connect(f"{live_inbox.server.ws}/v1/socket") as socket:
        alice = WebSocketClient(socket)
        await agent(live_inbox, alice)
        for contact_inbox, conversation in (
            (live_inbox.carol, live_inbox.conversation),
            (live_inbox.dave, other),
        ):
            path = f"/conversations/{conversation.number}/toggle_typing"
            await live_inbox.post(contact_inbox, path, typing_status="on")
        assert (await alice.until("typing"))["who"]["name"] == "Dave Contact"


async def test_presence_names_the_online_agents_by_number(
    live_inbox: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "OFFLINE_DELAY", 0.1)
    alice = str(live_inbox.cast.acme.people["alice"].number)
    async with live_inbox.connect(live_inbox.carol) as client:
        async with connect(f"{live_inbox.server.ws}/v1/socket") as socket:
            wire = WebSocketClient(socket)
            await agent(live_inbox, wire)
            event = await client.event("presence.update")
            assert event["data"]["users"] == {alice: "online"} and "event_id" not in event
            await wire.command(type="presence", availability="away")
            assert (await client.event("presence.update"))["data"]["users"] == {alice: "busy"}
        event = await client.event("presence.update")
        assert event["data"] == {"account_id": live_inbox.cast.acme.tenant.number, "users": {}}


async def test_a_client_can_request_presence(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        for _ in range(2):
            await client.send("message", identifier(live_inbox.carol), action="update_presence")
            assert (await client.event("presence.update"))["data"]["users"] == {}


async def test_presence_lists_no_drivers_and_customers(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        for name in ("dan", "cleo"):
            async with connect(f"{live_inbox.server.ws}/v1/socket") as socket:
                await agent(live_inbox, WebSocketClient(socket), name)
                await client.send("message", identifier(live_inbox.carol), action="update_presence")
                assert (await client.event("presence.update"))["data"]["users"] == {}


async def test_events_of_one_node_reach_the_sockets_of_another(db: Database) -> None:
    bus = test_ephemeral.InProcessBus()
    async with (
        live_server(await make_cast(db), bus=bus) as first_node,
        live(first_node.cast.engine, InboxDialect(), bus=bus) as second_node,
        connect(f"{first_node.server.ws}/v1/socket") as socket,
        LiveServer(first_node.cast, second_node, first_node.conversation).connect(
            first_node.carol
        ) as client,
    ):
        alice = WebSocketClient(socket)
        await agent(first_node, alice)
        assert (await client.event("presence.update"))["data"]["users"]
        await alice.command(type="typing", conversation_id=first_node.conversation.id)
        assert await client.event("conversation.typing_on")
        await first_node.send()
        assert await client.event("message.created")
