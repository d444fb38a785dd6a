"""Who writes and who is there, between contacts and agents, on every node."""

from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from koine.dialects.inbox import InboxDialect
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server
from tests.dialects.native.realtime.test_websocket import Wire
from tests.realtime import test_ephemeral
from tests.support.live_server import live


@pytest.fixture
async def here(db: Database) -> AsyncIterator[LiveServer]:
    async with live_server(await make_cast(db)) as open_:
        yield open_


async def agent(here: LiveServer, socket: Wire, name: str = "alice") -> None:
    await socket.say(type="hello", token=here.cast.token(name))
    await socket.until("ready")


async def test_an_agent_who_writes_is_told_and_one_who_writes_a_note_is_not(
    here: LiveServer,
) -> None:
    talk = {"type": "typing", "conversation_id": here.talk.id}
    async with (
        connect(f"{here.server.ws}/v1/socket") as socket,
        here.connect(here.carol) as client,
    ):
        alice = Wire(socket)
        await agent(here, alice)
        await alice.ask(**talk, private=True)
        await alice.ask(**talk)
        told = await client.event("conversation.typing_on")
        assert told["data"]["conversation"]["id"] == here.talk.number
        number = here.cast.acme.people["alice"].number
        assert (told["data"]["user"]["id"], told["data"]["is_private"]) == (number, False)
        assert "event_id" not in told
        await alice.ask(**talk, on=False)
        assert await client.events() == ["conversation.typing_off"]


async def test_a_contact_who_writes_is_told_to_agents_and_to_no_contact(here: LiveServer) -> None:
    path = f"/conversations/{here.talk.number}/toggle_typing"
    async with (
        connect(f"{here.server.ws}/v1/socket") as socket,
        here.connect(here.carol, here.dave) as client,
    ):
        alice = Wire(socket)
        await agent(here, alice)
        for status in ("perhaps", "on", "off"):
            await here.post(here.carol, path, typing_status=status)
        for on in (True, False):
            told = await alice.until("typing")
            assert told["conversation_id"] == here.talk.id
            assert (told["who"]["name"], told["on"]) == ("Carol Contact", on)
        assert await client.events() == []


async def test_which_agents_are_there_by_their_numbers(here: LiveServer) -> None:
    alice = str(here.cast.acme.people["alice"].number)
    async with here.connect(here.carol) as client:
        async with connect(f"{here.server.ws}/v1/socket") as socket:
            wire = Wire(socket)
            await agent(here, wire)
            told = await client.event("presence.update")
            assert told["data"]["users"] == {alice: "online"} and "event_id" not in told
            await wire.ask(type="presence", availability="away")
            assert (await client.event("presence.update"))["data"]["users"] == {alice: "busy"}
        told = await client.event("presence.update")
        assert told["data"] == {"account_id": here.cast.acme.tenant.number, "users": {}}


async def test_a_client_may_ask_who_is_there(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        for _ in range(2):
            await client.send("message", identifier(here.carol), action="update_presence")
            assert (await client.event("presence.update"))["data"]["users"] == {}


async def test_no_customer_driver_or_stranger_is_an_agent(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        for name in ("dan", "cleo"):
            async with connect(f"{here.server.ws}/v1/socket") as socket:
                await agent(here, Wire(socket), name)
                await client.send("message", identifier(here.carol), action="update_presence")
                assert (await client.event("presence.update"))["data"]["users"] == {}


async def test_what_happens_on_one_node_is_told_on_another(db: Database) -> None:
    bus = test_ephemeral.Wire()
    async with (
        live_server(await make_cast(db), bus=bus) as here,
        live(here.cast.engine, InboxDialect(), bus=bus) as there,
        connect(f"{here.server.ws}/v1/socket") as socket,
        LiveServer(here.cast, there, here.talk).connect(here.carol) as client,
    ):
        alice = Wire(socket)
        await agent(here, alice)
        assert (await client.event("presence.update"))["data"]["users"]
        await alice.ask(type="typing", conversation_id=here.talk.id)
        assert await client.event("conversation.typing_on")
        await here.say()
        assert await client.event("message.created")
