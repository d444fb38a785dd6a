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
from tests.dialects.inbox.cable_client import LiveServer, identifier, live_server, new_conversation


@pytest.fixture
async def live_inbox(db: Database) -> AsyncIterator[LiveServer]:
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
    live_inbox: LiveServer, offered: list[str] | None, chosen: str | None
) -> None:
    protocols = [Subprotocol(each) for each in offered] if offered else None
    url, origin = f"{live_inbox.server.ws}/cable", {"Origin": "https://anywhere.test"}
    async with connect(url, subprotocols=protocols, additional_headers=origin) as socket:
        assert socket.subprotocol == chosen
        assert await socket.recv() == '{"type":"welcome"}'


async def test_it_pings_with_unix_seconds(
    live_inbox: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.1)
    seconds = live_inbox.cast.clock.now() // 1_000_000
    async with connect(f"{live_inbox.server.ws}/cable") as socket:
        assert await socket.recv() == '{"type":"welcome"}'
        async with asyncio.timeout(5):
            assert await socket.recv() == f'{{"type":"ping","message":{seconds}}}'


async def test_a_subscription_is_confirmed_with_its_identifier_and_receives_presence(
    live_inbox: LiveServer,
) -> None:
    name = identifier(live_inbox.carol).replace(",", " ,\n ")
    async with live_inbox.connect() as client:
        await client.send("subscribe", name)
        assert await client.receive() == {"identifier": name, "type": "confirm_subscription"}
        frame = await client.receive()
        account = live_inbox.cast.acme.tenant.number
        assert frame["identifier"] == name
        assert frame["message"].pop("event_id")
        assert frame["message"] == {
            "event": "presence.update", "data": {"account_id": account, "users": {}},
        }  # fmt: skip


@pytest.mark.parametrize("name", ["no JSON", '{"channel":"RoomChannel","pubsub_token":"wrong"}'])
async def test_an_unknown_token_is_rejected_and_the_socket_stays_open(
    live_inbox: LiveServer, name: str
) -> None:
    async with live_inbox.connect() as client:
        assert await client.subscribe(name) == {"identifier": name, "type": "reject_subscription"}
        known = identifier(live_inbox.carol)
        assert (await client.subscribe(known))["type"] == "confirm_subscription"


async def test_what_is_no_command_is_ignored(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        for frame in ("", "[]", '{"command":"dance"}', "\x00", '{"command":"unsubscribe"}'):
            await client.socket.send(frame)
        await client.send("message", "another", action="update_presence")
        await client.send("message", identifier(live_inbox.carol), action="speak")
        assert await client.receive_or_none() is None


async def test_a_contact_receives_an_agents_message_and_no_private_note(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.send("a note", private=True)
        message = await live_inbox.send("Good morning")
        event = await client.event("message.created")
        assert event["data"]["content"] == "Good morning"
        assert event["data"]["sender"]["name"] == "Alice User"
        assert event["data"]["conversation_id"] == live_inbox.conversation.number
        assert event["event_id"] and message.seq == 2
        assert await live_inbox.events_of(client, live_inbox.carol) == []


async def test_each_contact_receives_the_events_of_its_own_contact_inbox_alone(
    live_inbox: LiveServer,
) -> None:
    other = live_inbox.cast.rival.contact_inboxes["carol"]
    async with (
        live_inbox.connect(live_inbox.carol) as carol,
        live_inbox.connect(live_inbox.dave) as dave,
        live_inbox.connect(other) as rival,
    ):
        await live_inbox.send()
        assert await carol.event("message.created")
        assert await live_inbox.events_of(dave, live_inbox.dave) == []
        assert await rival.receive_or_none() is None


async def test_one_socket_holds_several_subscriptions_and_can_end_one(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.carol, live_inbox.dave) as client:
        await client.send("unsubscribe", identifier(live_inbox.dave))
        theirs = await new_conversation(live_inbox.cast, "dave")
        draft = Draft(content="Hello", sender_id=live_inbox.cast.acme.id("alice"))
        await messages.send(
            live_inbox.cast.engine, live_inbox.cast.acme.actor("alice"), theirs.id, draft
        )
        await live_inbox.send()
        frame = await client.receive()
        assert frame["identifier"] == identifier(live_inbox.carol)
        assert frame["message"]["event"] == "message.created"
        assert (await client.subscribe(identifier(live_inbox.dave)))[
            "type"
        ] == "confirm_subscription"


async def test_subscribing_again_to_the_same_identifier_is_ignored(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await client.send("subscribe", identifier(live_inbox.carol))
        await live_inbox.send()
        assert await live_inbox.events_of(client, live_inbox.carol) == ["message.created"]


async def test_events_of_conversations_are_as_get_returns_them(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        created = (await live_inbox.post(live_inbox.carol, "/conversations")).json()
        event = await client.event("conversation.created")
        account = live_inbox.cast.acme.tenant.number
        path = f"/conversations/{created['id']}"
        assert event["data"] == await live_inbox.get(live_inbox.carol, path) | {
            "account_id": account
        }
        await live_inbox.post(live_inbox.carol, f"{path}/toggle_status")
        event = await client.event("conversation.status_changed")
        assert event["data"] == await live_inbox.get(live_inbox.carol, path) | {
            "account_id": account
        }
        assert event["data"]["status"] == "resolved"


async def test_reading_and_removing_a_conversation_are_events(live_inbox: LiveServer) -> None:
    path = f"/conversations/{live_inbox.conversation.number}"
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.post(live_inbox.carol, f"{path}/update_last_seen")
        event = await client.event("conversation.updated")
        assert event["data"]["contact_last_seen_at"] == live_inbox.cast.clock.now() // 1_000_000
        actor = live_inbox.cast.acme.actor("alice")
        await conversations.remove(live_inbox.cast.engine, actor, live_inbox.conversation.id)
        event = await client.event("conversation.deleted")
        assert (
            event["data"]["id"] == live_inbox.conversation.number
            and "messages" not in event["data"]
        )


async def test_a_change_of_a_field_that_contacts_do_not_see_is_an_update(
    live_inbox: LiveServer,
) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        actor, change = live_inbox.cast.acme.actor("alice"), ConversationChanges(priority="high")
        await conversations.change(
            live_inbox.cast.engine, actor, live_inbox.conversation.id, change
        )
        assert await live_inbox.events_of(client, live_inbox.carol) == ["conversation.updated"]


@pytest.mark.parametrize("echo", ["abc", 7, 1.5])
async def test_the_echo_id_is_sent_back_on_the_socket_and_is_no_idempotency_key(
    live_inbox: LiveServer, echo: str | float
) -> None:
    path = f"/conversations/{live_inbox.conversation.number}/messages"
    ids = set()
    async with live_inbox.connect(live_inbox.carol) as client:
        for _ in range(2):
            response = await live_inbox.post(live_inbox.carol, path, content="Hi", echo_id=echo)
            event = await client.event("message.created")
            assert event["data"]["echo_id"] == echo and "echo_id" not in response.json()
            assert event["data"]["id"] == response.json()["id"]
            ids.add(event["data"]["id"])
    assert len(ids) == 2


async def test_a_message_without_an_echo_id_has_none(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.send()
        assert "echo_id" not in (await client.event("message.created"))["data"]


async def test_a_subscription_resumes_after_the_last_event_id(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.send("1")
        await client.event("message.created")
        cursor = client.event_id
    for text in ("2", "3"):
        await live_inbox.send(text)
    async with live_inbox.connect() as client:
        await client.subscribe(identifier(live_inbox.carol, last_event_id=cursor))
        event = [await client.event("message.created") for _ in range(2)]
        assert [each["data"]["content"] for each in event] == ["2", "3"]
        await live_inbox.send("4")
        assert (await client.event("message.created"))["data"]["content"] == "4"


async def test_the_first_event_id_follows_the_confirmation(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        cursor = client.event_id
    await live_inbox.send("while away")
    async with live_inbox.connect() as client:
        await client.subscribe(identifier(live_inbox.carol, last_event_id=cursor))
        assert (await client.event("message.created"))["data"]["content"] == "while away"


@pytest.mark.parametrize(("shown", "reason"), [("what?", "unknown"), ("before.7", "epoch")])
async def test_an_unusable_last_event_id_is_answered_with_a_reset(
    live_inbox: LiveServer, shown: str, reason: str
) -> None:
    async with live_inbox.connect() as client:
        await client.subscribe(identifier(live_inbox.carol, last_event_id=shown))
        event = await client.event("reset")
        assert event["data"] == {"account_id": live_inbox.cast.acme.tenant.number, "reason": reason}
        assert event["event_id"]


async def test_too_many_subscriptions_are_rejected(
    live_inbox: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actioncable, "MAX_SUBSCRIPTIONS", 1)
    async with live_inbox.connect(live_inbox.carol) as client:
        assert (await client.subscribe(identifier(live_inbox.dave)))[
            "type"
        ] == "reject_subscription"


async def test_a_client_with_too_many_commands_is_disconnected(
    live_inbox: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actioncable, "COMMANDS_PER_MINUTE", 3)
    async with live_inbox.connect(live_inbox.carol) as client:
        for _ in range(4):
            await client.socket.send("{}")
        assert (await client.until_closed())[-1] == {
            "type": "disconnect", "reason": "invalid_request", "reconnect": True,
        }  # fmt: skip


async def test_a_draining_server_disconnects_its_subscribers(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        live_inbox.server.realtime.shutdown_signal.start()
        assert (await client.until_closed())[-1] == {
            "type": "disconnect", "reason": "server_restart", "reconnect": True,
        }  # fmt: skip


async def test_a_draining_server_disconnects_a_socket_without_subscriptions(
    live_inbox: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_SECONDS", 0.1)
    async with live_inbox.connect() as client:
        live_inbox.server.realtime.shutdown_signal.start()
        assert (await client.until_closed())[-1]["reason"] == "server_restart"


async def test_a_closed_socket_leaves_no_subscriber(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol, live_inbox.dave) as client:
        await client.send("unsubscribe", identifier(live_inbox.dave))
        await client.send("subscribe", identifier(live_inbox.dave))
        await client.receive()
        assert live_inbox.server.realtime.hub.count == 2
    for _ in range(250):
        if not live_inbox.server.realtime.hub.count:
            return
        await asyncio.sleep(0.02)
    pytest.fail("a subscriber is left")


async def test_each_change_of_status_is_sent_with_its_own_value(live_inbox: LiveServer) -> None:
    async with live_inbox.connect(live_inbox.carol) as client:
        await live_inbox.send()
        await client.event("message.created")
        since = client.event_id
    ada, engine = live_inbox.cast.acme.actor("ada"), live_inbox.cast.engine
    await conversations.change(
        engine, ada, live_inbox.conversation.id, ConversationChanges(status="closed")
    )
    await live_inbox.post(
        live_inbox.carol,
        f"/conversations/{live_inbox.conversation.number}/messages",
        content="wait",
    )
    async with live_inbox.connect() as client:
        await client.send("subscribe", identifier(live_inbox.carol, last_event_id=since))
        event = [await client.event("conversation.status_changed") for _ in range(2)]
    assert [each["data"]["status"] for each in event] == ["resolved", "open"]
