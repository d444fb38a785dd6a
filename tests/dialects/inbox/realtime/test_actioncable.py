"""`/cable` as clients of the original know it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from koine.dialects.inbox.realtime import actioncable, heartbeat
from koine.engine.conversations import conversations, messages
from koine.engine.conversations.conversations import ConversationChanges
from koine.model.message import Draft
from koine.store.core.db import Database
from tests.cast import make_cast
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server, opened


@pytest.fixture
async def here(db: Database) -> AsyncIterator[LiveServer]:
    cast = await make_cast(db)
    async with live_server(cast) as open_:
        yield open_


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["actioncable-v1-json", "actioncable-unsupported"], "actioncable-v1-json"),
        (["actioncable-unsupported", "other"], None),
        (None, None),
    ],
)
async def test_the_handshake(
    here: LiveServer, offered: list[str] | None, chosen: str | None
) -> None:
    protocols = [Subprotocol(each) for each in offered] if offered else None
    url, origin = f"{here.server.ws}/cable", {"Origin": "https://anywhere.test"}
    async with connect(url, subprotocols=protocols, additional_headers=origin) as socket:
        assert socket.subprotocol == chosen
        assert await socket.recv() == '{"type":"welcome"}'


async def test_it_pings_with_unix_seconds(
    here: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.1)
    seconds = here.cast.clock.now() // 1_000_000
    async with connect(f"{here.server.ws}/cable") as socket:
        assert await socket.recv() == '{"type":"welcome"}'
        async with asyncio.timeout(5):
            assert await socket.recv() == f'{{"type":"ping","message":{seconds}}}'


async def test_a_subscription_is_confirmed_with_its_identifier_and_told_who_is_there(
    here: LiveServer,
) -> None:
    name = identifier(here.carol).replace(",", " ,\n ")
    async with here.connect() as client:
        await client.send("subscribe", name)
        assert await client.receive() == {"identifier": name, "type": "confirm_subscription"}
        told = await client.receive()
        account = here.cast.acme.tenant.number
        assert told["identifier"] == name
        assert told["message"].pop("event_id")
        assert told["message"] == {
            "event": "presence.update", "data": {"account_id": account, "users": {}},
        }  # fmt: skip


@pytest.mark.parametrize("name", ["no JSON", '{"channel":"RoomChannel","pubsub_token":"wrong"}'])
async def test_an_unknown_token_is_rejected_and_the_socket_goes_on(
    here: LiveServer, name: str
) -> None:
    async with here.connect() as client:
        assert await client.subscribe(name) == {"identifier": name, "type": "reject_subscription"}
        known = identifier(here.carol)
        assert (await client.subscribe(known))["type"] == "confirm_subscription"


async def test_what_is_no_command_is_ignored(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        for said in ("", "[]", '{"command":"dance"}', "\x00", '{"command":"unsubscribe"}'):
            await client.socket.send(said)
        await client.send("message", "another", action="update_presence")
        await client.send("message", identifier(here.carol), action="speak")
        assert await client.receive_nothing() is None


async def test_an_agents_answer_is_told_and_a_note_never(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        await here.say("a note", private=True)
        said = await here.say("Good morning")
        told = await client.event("message.created")
        assert told["data"]["content"] == "Good morning"
        assert told["data"]["sender"]["name"] == "Alice User"
        assert told["data"]["conversation_id"] == here.talk.number
        assert told["event_id"] and said.seq == 2
        assert "note" not in str(await client.events())


async def test_each_contact_hears_its_own_place_alone(here: LiveServer) -> None:
    other = here.cast.rival.places["carol"]
    async with (
        here.connect(here.carol) as carol,
        here.connect(here.dave) as dave,
        here.connect(other) as rival,
    ):
        await here.say()
        assert await carol.event("message.created")
        assert await dave.receive_nothing() is None
        assert await rival.receive_nothing() is None


async def test_one_socket_holds_several_subscriptions_and_lets_go_of_one(here: LiveServer) -> None:
    async with here.connect(here.carol, here.dave) as client:
        await client.send("unsubscribe", identifier(here.dave))
        theirs = await opened(here.cast, "dave")
        draft = Draft(content="Hello", sender_id=here.cast.acme.id("alice"))
        await messages.send(here.cast.engine, here.cast.acme.actor("alice"), theirs.id, draft)
        await here.say()
        told = await client.receive()
        assert told["identifier"] == identifier(here.carol)
        assert told["message"]["event"] == "message.created"
        assert (await client.subscribe(identifier(here.dave)))["type"] == "confirm_subscription"


async def test_subscribing_again_to_the_same_says_nothing(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        await client.send("subscribe", identifier(here.carol))
        await here.say()
        assert await client.events() == ["message.created"]


async def test_conversations_are_told_as_get_shows_them(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        made = (await here.post(here.carol, "/conversations")).json()
        told = await client.event("conversation.created")
        account = here.cast.acme.tenant.number
        path = f"/conversations/{made['id']}"
        assert told["data"] == await here.get(here.carol, path) | {"account_id": account}
        await here.post(here.carol, f"{path}/toggle_status")
        told = await client.event("conversation.status_changed")
        assert told["data"] == await here.get(here.carol, path) | {"account_id": account}
        assert told["data"]["status"] == "resolved"


async def test_that_it_was_seen_and_that_it_is_gone(here: LiveServer) -> None:
    path = f"/conversations/{here.talk.number}"
    async with here.connect(here.carol) as client:
        await here.post(here.carol, f"{path}/update_last_seen")
        told = await client.event("conversation.updated")
        assert told["data"]["contact_last_seen_at"] == here.cast.clock.now() // 1_000_000
        actor = here.cast.acme.actor("alice")
        await conversations.remove(here.cast.engine, actor, here.talk.id)
        told = await client.event("conversation.deleted")
        assert told["data"]["id"] == here.talk.number and "messages" not in told["data"]


async def test_a_change_that_shows_nowhere_is_an_update(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        actor, change = here.cast.acme.actor("alice"), ConversationChanges(priority="high")
        await conversations.change(here.cast.engine, actor, here.talk.id, change)
        assert await client.events() == ["conversation.updated"]


@pytest.mark.parametrize("echo", ["abc", 7, 1.5])
async def test_the_echo_id_comes_back_on_the_socket_and_is_no_key(
    here: LiveServer, echo: str | float
) -> None:
    path = f"/conversations/{here.talk.number}/messages"
    ids = set()
    async with here.connect(here.carol) as client:
        for _ in range(2):
            answer = await here.post(here.carol, path, content="Hi", echo_id=echo)
            told = await client.event("message.created")
            assert told["data"]["echo_id"] == echo and "echo_id" not in answer.json()
            assert told["data"]["id"] == answer.json()["id"]
            ids.add(told["data"]["id"])
    assert len(ids) == 2


async def test_a_message_without_an_echo_id_has_none(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        await here.say()
        assert "echo_id" not in (await client.event("message.created"))["data"]


async def test_it_goes_on_behind_the_last_event_id(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        await here.say("1")
        await client.event("message.created")
        cursor = client.event_id
    for text in ("2", "3"):
        await here.say(text)
    async with here.connect() as client:
        await client.subscribe(identifier(here.carol, last_event_id=cursor))
        told = [await client.event("message.created") for _ in range(2)]
        assert [each["data"]["content"] for each in told] == ["2", "3"]
        await here.say("4")
        assert (await client.event("message.created"))["data"]["content"] == "4"


async def test_the_first_event_id_comes_with_the_confirmation(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        cursor = client.event_id
    await here.say("while away")
    async with here.connect() as client:
        await client.subscribe(identifier(here.carol, last_event_id=cursor))
        assert (await client.event("message.created"))["data"]["content"] == "while away"


@pytest.mark.parametrize(("shown", "reason"), [("what?", "unknown"), ("before.7", "epoch")])
async def test_a_last_event_id_that_is_worth_nothing_is_told(
    here: LiveServer, shown: str, reason: str
) -> None:
    async with here.connect() as client:
        await client.subscribe(identifier(here.carol, last_event_id=shown))
        told = await client.event("reset")
        assert told["data"] == {"account_id": here.cast.acme.tenant.number, "reason": reason}
        assert told["event_id"]


async def test_too_many_subscriptions_are_rejected(
    here: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actioncable, "MAX_SUBSCRIPTIONS", 1)
    async with here.connect(here.carol) as client:
        assert (await client.subscribe(identifier(here.dave)))["type"] == "reject_subscription"


async def test_who_says_too_much_is_sent_away_for_a_while(
    here: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actioncable, "COMMANDS_PER_MINUTE", 3)
    async with here.connect(here.carol) as client:
        for _ in range(4):
            await client.socket.send("{}")
        assert (await client.closed())[-1] == {
            "type": "disconnect", "reason": "invalid_request", "reconnect": True,
        }  # fmt: skip


async def test_a_server_that_goes_says_so(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        here.server.relay.draining.start()
        assert (await client.closed())[-1] == {
            "type": "disconnect", "reason": "server_restart", "reconnect": True,
        }  # fmt: skip


async def test_a_socket_without_a_subscription_learns_it_too(
    here: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.1)
    async with here.connect() as client:
        here.server.relay.draining.start()
        assert (await client.closed())[-1]["reason"] == "server_restart"


async def test_no_seat_is_left_behind(here: LiveServer) -> None:
    async with here.connect(here.carol, here.dave) as client:
        await client.send("unsubscribe", identifier(here.dave))
        await client.send("subscribe", identifier(here.dave))
        await client.receive()
        assert here.server.relay.hub.count == 2
    for _ in range(250):
        if not here.server.relay.hub.count:
            return
        await asyncio.sleep(0.02)
    pytest.fail("a seat is left")


async def test_each_change_of_status_is_told_with_its_own_value(here: LiveServer) -> None:
    async with here.connect(here.carol) as client:
        await here.say()
        await client.event("message.created")
        since = client.event_id
    ada, engine = here.cast.acme.actor("ada"), here.cast.engine
    await conversations.change(engine, ada, here.talk.id, ConversationChanges(status="closed"))
    await here.post(here.carol, f"/conversations/{here.talk.number}/messages", content="wait")
    async with here.connect() as client:
        await client.send("subscribe", identifier(here.carol, last_event_id=since))
        told = [await client.event("conversation.status_changed") for _ in range(2)]
    assert [each["data"]["status"] for each in told] == ["resolved", "open"]
