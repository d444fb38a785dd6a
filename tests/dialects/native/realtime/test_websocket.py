"""The WebSocket: its first frame, events, commands, windows, and what is too much."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from koine.dialects.native import NativeDialect
from koine.engine.auth import api_keys
from tests.cast import Cast
from tests.dialects.native.realtime.test_encoder import open_conversation, send_message
from tests.support.live_server import Live, live


class WebSocketClient:
    """One socket, spoken to in objects."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, **said: object) -> None:
        await self._socket.send(msgspec.json.encode(said).decode())

    async def send_raw(self, said: str | bytes) -> None:
        await self._socket.send(said)

    async def receive(self, wait: float = 5.0) -> dict[str, Any]:
        async with asyncio.timeout(wait):
            told: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
            return told

    async def until(self, kind: str) -> dict[str, Any]:
        while (told := await self.receive())["type"] != kind:
            pass
        return told

    async def command(self, **said: object) -> dict[str, Any]:
        """The answer to a command, whatever else is told meanwhile."""
        await self.send(id="asked", **said)
        while (told := await self.receive()).get("id") != "asked":
            pass
        return told

    async def event(self, kind: str) -> dict[str, Any]:
        while (told := await self.until("event"))["event"]["type"] != kind:
            pass
        return told

    async def close_code(self) -> int:
        """The code it is closed with."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006


@pytest.fixture
async def server(cast: Cast) -> AsyncIterator[Live]:
    async with live(cast.engine, NativeDialect()) as server:
        yield server


@pytest.fixture
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


@asynccontextmanager
async def open_socket(server: Live) -> AsyncIterator[WebSocketClient]:
    async with connect(f"{server.ws}/v1/socket", compression=None) as socket:
        yield WebSocketClient(socket)


@asynccontextmanager
async def authenticated(
    server: Live, token: str, **hello: object
) -> AsyncIterator[WebSocketClient]:
    """A socket that is let in."""
    async with open_socket(server) as one:
        await one.send(type="hello", token=token, **hello)
        assert (await one.receive())["type"] == "ready"
        yield one


async def test_a_message_is_told(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan")) as dan:
        said = await send_message(client, cast, talk, "hello")
        told = await dan.event("message.created")
        assert told["event"]["data"]["message"] == said and told["cursor"]


async def test_a_key_opens_it_too(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.acme.key) as key:
        assert await key.command(type="ping") == {"type": "ok", "id": "asked"}


@pytest.mark.parametrize(
    ("first", "error"),
    [
        ('{"type":"hello","token":"nonsense"}', "unauthenticated"),
        ('{"type":"hello"}', "invalid"),
        ('{"type":"ping"}', "invalid"),
        ("{", "malformed"),
        ("[" * 5000, "malformed"),
        ('{"type":"hello","token":"a","token":"b"}', "malformed"),
    ],
)
async def test_a_bad_first_frame_is_refused(server: Live, first: str, error: str) -> None:
    async with open_socket(server) as one:
        await one.send_raw(first)
        told = await one.receive()
        assert (told["type"], told["error"]) == ("error", error)
        assert await one.close_code() == 1008


async def test_a_key_that_may_not_read_is_refused(server: Live, cast: Cast) -> None:
    boss = cast.acme.actor("ada")
    made = await api_keys.create(
        cast.engine, boss, "none", frozenset(), user_id=cast.acme.id("alice")
    )
    async with open_socket(server) as one:
        await one.send(type="hello", token=made.text)
        assert (await one.receive())["error"] == "forbidden"


async def test_nonsense_is_answered_and_survived(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("ada"), kinds=["message"]) as ada:
        for nonsense in ("", "null", "7", "[]", '{"type":"fly"}', '{"type":"ack"}', "\u2028{"):
            await ada.send_raw(nonsense)
            assert (await ada.receive())["type"] == "error"
        await ada.send_raw('{"type":"ping","id":' + "[" * 4000)
        assert (await ada.receive())["error"] == "malformed"
        await ada.send_raw(b"\xff\xfe")
        assert (await ada.receive())["error"] == "malformed"
        assert (await ada.command(type="ping"))["type"] == "ok"


async def test_what_is_too_long_ends_it(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("ada")) as ada:
        await ada.send_raw(" " * 70_000)
        assert await ada.close_code() == 1009


async def test_who_says_too_much_is_told_and_then_closed(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("ada"), kinds=["message"]) as ada:
        for _ in range(701):
            await ada.send_raw('{"type":"ping"}')
        answers = [(await ada.receive())["type"] for _ in range(700)]
        assert answers == ["ok"] * 600 + ["error"] * 100
        assert await ada.close_code() == 1008


async def test_a_subscription_narrows(client: httpx.AsyncClient, server: Live, cast: Cast) -> None:
    one, other = (
        await open_conversation(client, cast, "dan"),
        await open_conversation(client, cast, "dan"),
    )
    async with authenticated(server, cast.token("dan")) as dan:
        asked = {"conversations": [one], "kinds": ["message"]}
        assert (await dan.command(type="subscribe", **asked))["type"] == "ok"
        await send_message(client, cast, other, "not this")
        await send_message(client, cast, one, "this")
        assert (await dan.until("event"))["event"]["conversation_id"] == one


async def test_what_one_does_not_see_cannot_be_subscribed_to(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("olaf")) as olaf:
        refused = await olaf.command(type="subscribe", conversations=[talk])
        assert refused["error"] == "not-found"
        assert (await olaf.command(type="subscribe", kinds=["nothing"]))["error"] == "invalid"
        assert (await olaf.command(type="typing", conversation_id=talk))["error"] == "not-found"


async def test_typing_is_whispered_to_the_others(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with (
        authenticated(server, cast.token("dan")) as dan,
        authenticated(server, cast.token("alice")) as her,
    ):
        await her.send(type="typing", conversation_id=talk)
        told = await dan.until("typing")
        assert (told["who"]["id"], told["on"]) == (cast.acme.id("alice"), True)
        await her.command(type="typing", conversation_id=talk, private=True)
        await her.command(type="typing", conversation_id=talk, on=False)
        assert (await dan.until("typing"))["on"] is False
        forbidden = await dan.command(type="typing", conversation_id=talk, private=True)
        assert forbidden["error"] == "forbidden"


async def test_presence_is_told(server: Live, cast: Cast) -> None:
    async with (
        authenticated(server, cast.token("ada")) as ada,
        authenticated(server, cast.token("dan")) as dan,
    ):
        await dan.command(type="presence", availability="away")
        while (told := await ada.until("presence"))["availability"] != "away":
            pass
        assert told["id"] == cast.acme.id("dan")


async def test_a_window_bounds_what_is_on_its_way(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan"), window=2, kinds=["message"]) as dan:
        for n in range(5):
            await send_message(client, cast, talk, f"{n}")
        first, second = await dan.until("event"), await dan.until("event")
        with pytest.raises(TimeoutError):
            await dan.receive(0.3)
        assert (await dan.command(type="ack", cursor="else.1"))["error"] == "invalid"
        await dan.send(type="ack", cursor=second["cursor"])
        seqs = [(await dan.until("event"))["event"]["seq"] for _ in range(2)]
        assert [first["event"]["seq"], *seqs] == [1, 3, 4]


async def test_the_same_callers_next_token_keeps_it_open(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan", ttl_s=60)) as dan:
        assert (await dan.command(type="token", token=cast.token("olaf")))["error"] == "forbidden"
        assert (await dan.command(type="token", token=cast.token("dan")))["type"] == "ok"
        cast.clock.advance(seconds=300)
        await asyncio.sleep(1.5)
        assert (await dan.command(type="ping"))["type"] == "ok"


async def test_an_expired_token_ends_it(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan", ttl_s=60)) as dan:
        cast.clock.advance(seconds=300)
        assert (await dan.until("closing"))["reason"] == "expired"
        assert await dan.close_code() == 1008


async def test_it_comes_back_where_it_was(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    talk = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan")) as dan:
        await send_message(client, cast, talk, "one")
        cursor = (await dan.event("message.created"))["cursor"]
    await send_message(client, cast, talk, "two")
    async with authenticated(server, cast.token("dan"), cursor=cursor) as dan:
        assert (await dan.until("event"))["event"]["seq"] == 2


async def test_a_cursor_that_is_none_is_reset(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan"), cursor="nothing") as dan:
        assert (await dan.until("reset"))["reason"] == "unknown"


async def test_draining_says_when_to_come_back(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan")) as dan:
        cast.engine.shutdown_signal.start()
        told = await dan.until("closing")
        assert told["reason"] == "draining" and 1000 <= told["retry_ms"] <= 10_000
        assert await dan.close_code() == 1012
