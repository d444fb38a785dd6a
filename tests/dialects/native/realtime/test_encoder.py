"""Server-sent events: which events a client receives, with which data, from which cursor on."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from koine.dialects.native.realtime.encoder import NativeEventEncoder, NativeReader
from koine.dialects.native.realtime.filter import EventFilter
from koine.http import sse
from koine.kit.ids import new_id
from koine.model.actor import Actor
from koine.realtime.subscriber import Subscriber
from koine.store.events import event_log_state
from tests.cast import Cast
from tests.dialects.native.api_client import open_conversation, send_message, send_messages
from tests.dialects.native.sse_client import follow_stream
from tests.realtime.bus.recorder import eventually
from tests.support.live_server import Live, live


@pytest.fixture
async def server(cast: Cast) -> AsyncIterator[Live]:
    async with live(cast.engine, NativeDialect()) as server:
        yield server


@pytest.fixture
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def test_an_event_has_the_data_that_get_returns(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        message = await send_message(client, cast, conversation_id, "hello")
        event = (await dan.until("message.created"))[-1]
        shown = await client.get(f"/v1/conversations/{conversation_id}", headers=cast.bearer("dan"))
        assert event.data["data"]["message"] == message
        assert event.data["data"]["conversation"] == shown.json()
        assert shown.json()["unread_count"] == 1
        assert event.data["id"].startswith("evt_") and event.data["seq"] == 1


async def test_only_staff_receive_a_private_note(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan", "cleo")
    async with (
        follow_stream(server.url, cast.bearer("dan")) as dan,
        follow_stream(server.url, cast.bearer("cleo")) as cleo,
        follow_stream(server.url, cast.bearer("dora")) as dora,
    ):
        await asyncio.gather(*(each.until("ready") for each in (dan, cleo, dora)))
        await send_message(client, cast, conversation_id, "only for staff", private=True)
        await send_message(client, cast, conversation_id, "hello")
        staff_events = await dora.until("message.created")
        assert staff_events[-1].data["data"]["message"]["content"] == "only for staff"
        for stream in (dan, cleo):
            events = await stream.until("message.created")
            assert events[-1].data["data"]["message"]["content"] == "hello"
            assert "only for staff" not in str(events)


async def test_no_tenant_receives_events_of_another(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with (
        follow_stream(server.url, cast.bearer("ada", "rival")) as rival,
        follow_stream(server.url, cast.bearer("ada")) as ada,
    ):
        await asyncio.gather(rival.until("ready"), ada.until("ready"))
        await send_message(client, cast, conversation_id, "ours")
        assert (await ada.until("message.created"))[-1].data["conversation_id"] == conversation_id
        ada_of_rival, theirs = cast.bearer("ada", "rival"), {"kind": "support"}
        await client.post("/v1/conversations", json=theirs, headers=ada_of_rival)
        events = await rival.until("conversation.created")
        assert len(events) == 1 and "ours" not in str(events)


async def test_events_outside_the_filter_are_not_sent(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    one, other = (
        await open_conversation(client, cast, "dan"),
        await open_conversation(client, cast, "dan"),
    )
    query = f"?kinds=message.created,ticket&conversation_id={one}"
    async with follow_stream(server.url, cast.bearer("alice"), query=query) as alice:
        await alice.until("ready")
        await send_message(client, cast, other, "not this")
        await client.post(f"/v1/conversations/{one}/tickets", headers=cast.bearer("ada"))
        await send_message(client, cast, one, "this")
        assert [(await alice.next()).kind for _ in range(2)] == [
            "ticket.created",
            "message.created",
        ]


async def test_an_unknown_kind_is_refused(client: httpx.AsyncClient, cast: Cast) -> None:
    response = await client.get("/v1/events?kinds=weather", headers=cast.bearer("dan"))
    assert response.status_code == 422
    unknown = await client.get(f"/v1/events?conversation_id={new_id()}", headers=cast.bearer("dan"))
    assert unknown.status_code == 404


async def test_reconnecting_with_the_cursor_loses_and_repeats_nothing(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    start = (await client.get("/v1/events/cursor", headers=cast.bearer("dan"))).json()["cursor"]
    received: list[int] = []
    sending = asyncio.create_task(send_messages(client, cast, conversation_id, 60))
    cursor: str | None = start
    while len(received) < 60:
        async with follow_stream(server.url, cast.bearer("dan"), cursor, "?kinds=message") as dan:
            for _ in range(7):
                if len(received) < 60:
                    received.append((await dan.until("message.created"))[-1].data["seq"])
            cursor = dan.cursor
    await sending
    assert received == list(range(1, 61))


async def test_a_cursor_is_valid_after_a_restart(cast: Cast) -> None:
    async with (
        live(cast.engine, NativeDialect()) as first,
        httpx.AsyncClient(base_url=first.url) as one,
    ):
        conversation_id = await open_conversation(one, cast, "dan")
        async with follow_stream(first.url, cast.bearer("dan")) as dan:
            await dan.until("ready")
            await send_message(one, cast, conversation_id, "one")
            await dan.until("message.created")
            cursor = dan.cursor
        await send_message(one, cast, conversation_id, "two")
    async with live(cast.engine, NativeDialect()) as second:
        query = "?kinds=message"
        async with follow_stream(second.url, cast.bearer("dan"), cursor, query) as dan:
            assert (await dan.until("message.created"))[-1].data["seq"] == 2


@pytest.mark.parametrize(
    ("shown", "reason"), [("nonsense", "unknown"), ("otherepoch.5", "epoch"), ("", "too_old")]
)
async def test_a_cursor_without_meaning_is_reset(
    client: httpx.AsyncClient, server: Live, cast: Cast, shown: str, reason: str
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    now = (await client.get("/v1/events/cursor", headers=cast.bearer("dan"))).json()["cursor"]
    old = f"{now.partition('.')[0]}.0"
    cast.clock.advance(seconds=60)
    await cast.engine.db.write("", event_log_state.delete_before, cast.clock.now(), 1000)
    async with follow_stream(server.url, cast.bearer("dan"), shown or old) as dan:
        (*_, reset) = await dan.until("reset")
        assert reset.data["reason"] == reason
        await send_message(client, cast, conversation_id, "goes on")
        assert (await dan.until("message.created"))[-1].data["seq"] == 1


async def test_a_stream_closed_by_shutdown_says_when_to_reconnect(server: Live, cast: Cast) -> None:
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        cast.engine.shutdown_signal.start()
        (*_, closing) = await dan.until("closing")
        assert closing.data["reason"] == "draining" and closing.data["retry_ms"] >= 1000
        assert await dan.ended()


async def test_typing_has_no_cursor(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with follow_stream(server.url, cast.bearer("dan"), query="?kinds=typing") as dan:
        await dan.until("ready")
        path = f"/v1/conversations/{conversation_id}/typing"
        response = await client.post(path, json={"on": True}, headers=cast.bearer("alice"))
        assert response.status_code == 204
        (typing,) = await dan.until("typing")
        assert typing.cursor is None
        assert typing.data["who"]["name"] == "Alice User"


async def test_a_client_with_a_stream_is_present(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        away = {"availability": "away"}
        await client.put("/v1/presence", json=away, headers=cast.bearer("dan"))
        there = (await client.get("/v1/presence", headers=cast.bearer("ada"))).json()["data"]
        assert there == [{"id": cast.acme.id("dan"), "availability": "away"}]


async def test_a_thousand_subscribers_share_one_encoded_frame(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    actor = cast.acme.actor("dan")

    async def ask() -> Actor:
        return actor

    encoders = [NativeEventEncoder("", sse.frame, cast.engine.encryption) for _ in range(1000)]
    readers = [NativeReader(actor, ask, EventFilter(), each) for each in encoders]
    subscribers = [await server.realtime.connect(reader, None) for reader in readers]
    receiving = asyncio.gather(*(first_message(subscriber) for subscriber in subscribers))
    # One that still catches up reads the log by itself, and shares nothing.
    await eventually(lambda: all(subscriber.live for subscriber in subscribers), within=30)
    await send_message(client, cast, conversation_id, "to all")
    assert len({id(frame) for frame in await receiving}) == 1


async def first_message(subscriber: Subscriber) -> bytes:
    """The frame of the first message that a subscriber receives."""
    while True:
        for _, frame in (await subscriber.read(10)).frames:
            if frame.startswith(b"event: message.created"):
                return frame
