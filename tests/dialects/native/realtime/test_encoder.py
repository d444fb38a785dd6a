"""Following over server-sent events: what comes, in which shape, from where, and to whom."""

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
from tests.dialects.native.sse_client import follow_stream
from tests.support.live_server import Live, live


@pytest.fixture
async def server(cast: Cast) -> AsyncIterator[Live]:
    async with live(cast.engine, NativeDialect()) as server:
        yield server


@pytest.fixture
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def open_conversation(client: httpx.AsyncClient, cast: Cast, *who: str) -> str:
    """A conversation Ada opens with these people."""
    joining = [{"identity_id": cast.acme.id(each)} for each in who]
    answer = await client.post(
        "/v1/conversations", json={"participants": joining}, headers=cast.bearer("ada")
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def send_message(
    client: httpx.AsyncClient,
    cast: Cast,
    conversation_id: str,
    text: str,
    who: str = "alice",
    **more: object,
) -> dict[str, object]:
    """What somebody says."""
    answer = await client.post(
        f"/v1/conversations/{conversation_id}/messages",
        json={"content": text} | more,
        headers=cast.bearer(who),
    )
    assert answer.status_code == 201, answer.text
    said: dict[str, object] = answer.json()
    return said


async def test_a_message_comes_as_get_shows_it(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        said = await send_message(client, cast, talk, "hello")
        line = (await dan.until("message.created"))[-1]
        shown = await client.get(f"/v1/conversations/{talk}", headers=cast.bearer("dan"))
        assert line.data["data"]["message"] == said
        assert line.data["data"]["conversation"] == shown.json()
        assert shown.json()["unread_count"] == 1
        assert line.data["id"].startswith("evt_") and line.data["seq"] == 1


async def test_a_private_note_is_for_staff_alone(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan", "cleo")
    async with (
        follow_stream(server.url, cast.bearer("dan")) as dan,
        follow_stream(server.url, cast.bearer("cleo")) as cleo,
        follow_stream(server.url, cast.bearer("dora")) as dora,
    ):
        await asyncio.gather(*(each.until("ready") for each in (dan, cleo, dora)))
        await send_message(client, cast, talk, "do not tell", private=True)
        await send_message(client, cast, talk, "hello")
        insider = await dora.until("message.created")
        assert insider[-1].data["data"]["message"]["content"] == "do not tell"
        for outsider in (dan, cleo):
            told = await outsider.until("message.created")
            assert told[-1].data["data"]["message"]["content"] == "hello"
            assert "do not tell" not in str(told)


async def test_tenants_are_apart(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with (
        follow_stream(server.url, cast.bearer("ada", "rival")) as rival,
        follow_stream(server.url, cast.bearer("ada")) as ada,
    ):
        await asyncio.gather(rival.until("ready"), ada.until("ready"))
        await send_message(client, cast, talk, "ours")
        assert (await ada.until("message.created"))[-1].data["conversation_id"] == talk
        assert "ours" not in str(await rival.rest())


async def test_what_was_not_asked_for_does_not_come(
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
    answer = await client.get("/v1/events?kinds=weather", headers=cast.bearer("dan"))
    assert answer.status_code == 422
    strange = await client.get(f"/v1/events?conversation_id={new_id()}", headers=cast.bearer("dan"))
    assert strange.status_code == 404


async def test_after_a_cut_nothing_is_lost_and_nothing_comes_twice(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    start = (await client.get("/v1/events/cursor", headers=cast.bearer("dan"))).json()["cursor"]
    heard: list[int] = []
    saying = asyncio.create_task(send_messages(client, cast, talk, 60))
    cursor: str | None = start
    while len(heard) < 60:
        async with follow_stream(server.url, cast.bearer("dan"), cursor, "?kinds=message") as dan:
            for _ in range(7):
                if len(heard) < 60:
                    heard.append((await dan.until("message.created"))[-1].data["seq"])
            cursor = dan.cursor
    await saying
    assert heard == list(range(1, 61))


async def test_a_restarted_server_goes_on(cast: Cast) -> None:
    async with (
        live(cast.engine, NativeDialect()) as first,
        httpx.AsyncClient(base_url=first.url) as one,
    ):
        talk = await open_conversation(one, cast, "dan")
        async with follow_stream(first.url, cast.bearer("dan")) as dan:
            await dan.until("ready")
            await send_message(one, cast, talk, "one")
            await dan.until("message.created")
            cursor = dan.cursor
        await send_message(one, cast, talk, "two")
    async with live(cast.engine, NativeDialect()) as second:
        query = "?kinds=message"
        async with follow_stream(second.url, cast.bearer("dan"), cursor, query) as dan:
            assert (await dan.until("message.created"))[-1].data["seq"] == 2


@pytest.mark.parametrize(
    ("shown", "reason"), [("nonsense", "unknown"), ("otherepoch.5", "epoch"), ("", "too_old")]
)
async def test_a_cursor_that_is_worth_nothing_is_reset(
    client: httpx.AsyncClient, server: Live, cast: Cast, shown: str, reason: str
) -> None:
    talk = await open_conversation(client, cast, "dan")
    now = (await client.get("/v1/events/cursor", headers=cast.bearer("dan"))).json()["cursor"]
    old = f"{now.partition('.')[0]}.0"
    cast.clock.advance(seconds=60)
    await cast.engine.db.write("", event_log_state.forget_before, cast.clock.now(), 1000)
    async with follow_stream(server.url, cast.bearer("dan"), shown or old) as dan:
        (*_, reset) = await dan.until("reset")
        assert reset.data["reason"] == reason
        await send_message(client, cast, talk, "goes on")
        assert (await dan.until("message.created"))[-1].data["seq"] == 1


async def test_a_stream_that_ends_says_when_to_come_back(server: Live, cast: Cast) -> None:
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        cast.engine.shutdown_signal.start()
        (*_, closing) = await dan.until("closing")
        assert closing.data["reason"] == "draining" and closing.data["retry_ms"] >= 1000
        assert await dan.ended()


async def test_typing_comes_without_a_place_in_the_log(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with follow_stream(server.url, cast.bearer("dan"), query="?kinds=typing") as dan:
        await dan.until("ready")
        path = f"/v1/conversations/{talk}/typing"
        answer = await client.post(path, json={"on": True}, headers=cast.bearer("alice"))
        assert answer.status_code == 204
        (typing,) = await dan.until("typing")
        assert typing.cursor is None
        assert typing.data["who"]["name"] == "Alice User"


async def test_who_follows_is_there(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    async with follow_stream(server.url, cast.bearer("dan")) as dan:
        await dan.until("ready")
        away = {"availability": "away"}
        await client.put("/v1/presence", json=away, headers=cast.bearer("dan"))
        there = (await client.get("/v1/presence", headers=cast.bearer("ada"))).json()["data"]
        assert there == [{"id": cast.acme.id("dan"), "availability": "away"}]


async def test_a_thousand_follow(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    talk = await open_conversation(client, cast, "dan")
    actor = cast.acme.actor("dan")

    async def ask() -> Actor:
        return actor

    encoders = [NativeEventEncoder("", sse.frame) for _ in range(1000)]
    made = [NativeReader(actor, ask, EventFilter(), each) for each in encoders]
    seats = [await server.relay.connect(voice, None) for voice in made]
    hearing = asyncio.gather(*(first_message(seat) for seat in seats))
    await send_message(client, cast, talk, "to all")
    assert len({id(frame) for frame in await hearing}) == 1


async def first_message(subscriber: Subscriber) -> bytes:
    """The first message a seat is told."""
    while True:
        for _, frame in (await subscriber.read(10)).frames:
            if frame.startswith(b"event: message.created"):
                return frame


async def send_messages(
    client: httpx.AsyncClient, cast: Cast, conversation_id: str, count: int
) -> None:
    for n in range(count):
        await send_message(client, cast, conversation_id, f"{n}")
