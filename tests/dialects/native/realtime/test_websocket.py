"""The WebSocket: its first frame, events, commands, windows and limits."""

from collections.abc import AsyncIterator

import httpx
import pytest

from koine.dialects.native import NativeDialect
from koine.dialects.native.realtime import websocket
from koine.engine.auth import api_keys
from koine.realtime import realtime
from tests.cast import Cast
from tests.dialects.native.api_client import open_conversation, send_message
from tests.dialects.native.websocket_client import authenticated, open_socket
from tests.support.live_server import Live, live


@pytest.fixture
async def server(cast: Cast) -> AsyncIterator[Live]:
    async with live(cast.engine, NativeDialect()) as server:
        yield server


@pytest.fixture
def short_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Expired credentials are looked for often; asked for before the server."""
    monkeypatch.setattr(realtime, "_SWEEP_SECONDS", 0.05)


@pytest.fixture
async def client(server: Live) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client


async def test_a_message_is_sent_as_an_event(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan")) as dan:
        message = await send_message(client, cast, conversation_id, "hello")
        frame = await dan.event("message.created")
        assert frame["event"]["data"]["message"] == message and frame["cursor"]


async def test_an_api_key_authenticates(server: Live, cast: Cast) -> None:
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
    async with open_socket(server) as client:
        await client.send_raw(first)
        frame = await client.receive()
        assert (frame["type"], frame["error"]) == ("error", error)
        assert await client.close_code() == 1008


async def test_a_key_that_may_not_read_is_refused(server: Live, cast: Cast) -> None:
    admin = cast.acme.actor("ada")
    key = await api_keys.create(
        cast.engine, admin, "none", frozenset(), user_id=cast.acme.id("alice")
    )
    async with open_socket(server) as client:
        await client.send(type="hello", token=key.text)
        assert (await client.receive())["error"] == "forbidden"


async def test_an_invalid_command_gets_an_error_and_keeps_the_socket(
    server: Live, cast: Cast
) -> None:
    async with authenticated(server, cast.token("ada"), kinds=["message"]) as ada:
        for text in ("", "null", "7", "[]", '{"type":"fly"}', '{"type":"ack"}', "\u2028{"):
            await ada.send_raw(text)
            assert (await ada.receive())["type"] == "error"
        await ada.send_raw('{"type":"ping","id":' + "[" * 4000)
        assert (await ada.receive())["error"] == "malformed"
        await ada.send_raw(b"\xff\xfe")
        assert (await ada.receive())["error"] == "malformed"
        assert (await ada.command(type="ping"))["type"] == "ok"


async def test_a_frame_that_is_too_long_closes_the_socket(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("ada")) as ada:
        await ada.send_raw(" " * 70_000)
        assert await ada.close_code() == 1009


async def test_too_many_commands_get_errors_and_then_close_the_socket(
    server: Live, cast: Cast
) -> None:
    async with authenticated(server, cast.token("ada"), kinds=["message"]) as ada:
        for _ in range(701):
            await ada.send_raw('{"type":"ping"}')
        replies = [(await ada.receive())["type"] for _ in range(700)]
        assert replies == ["ok"] * 600 + ["error"] * 100
        assert await ada.close_code() == 1008


async def test_subscribe_narrows_the_filter(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    wanted, other = [await open_conversation(client, cast, "dan") for _ in range(2)]
    async with authenticated(server, cast.token("dan")) as dan:
        narrow = {"conversations": [wanted], "kinds": ["message"]}
        assert (await dan.command(type="subscribe", **narrow))["type"] == "ok"
        await send_message(client, cast, other, "not this")
        await send_message(client, cast, wanted, "this")
        assert (await dan.until("event"))["event"]["conversation_id"] == wanted


async def test_a_conversation_that_the_caller_may_not_see_is_not_found(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("olaf")) as olaf:
        refused = await olaf.command(type="subscribe", conversations=[conversation_id])
        assert refused["error"] == "not-found"
        assert (await olaf.command(type="subscribe", kinds=["nothing"]))["error"] == "invalid"
        typing = await olaf.command(type="typing", conversation_id=conversation_id)
        assert typing["error"] == "not-found"


async def test_typing_is_sent_to_other_participants(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with (
        authenticated(server, cast.token("dan")) as dan,
        authenticated(server, cast.token("alice")) as alice,
    ):
        await alice.send(type="typing", conversation_id=conversation_id)
        frame = await dan.until("typing")
        assert (frame["who"]["id"], frame["on"]) == (cast.acme.id("alice"), True)
        await alice.command(type="typing", conversation_id=conversation_id, private=True)
        await alice.command(type="typing", conversation_id=conversation_id, on=False)
        assert (await dan.until("typing"))["on"] is False
        forbidden = await dan.command(type="typing", conversation_id=conversation_id, private=True)
        assert forbidden["error"] == "forbidden"


async def test_presence_is_sent(server: Live, cast: Cast) -> None:
    async with (
        authenticated(server, cast.token("ada")) as ada,
        authenticated(server, cast.token("dan")) as dan,
    ):
        await dan.command(type="presence", availability="away")
        while (frame := await ada.until("presence"))["availability"] != "away":
            pass
        assert frame["id"] == cast.acme.id("dan")


async def test_a_window_bounds_the_unacknowledged_events(
    client: httpx.AsyncClient, server: Live, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_ACK_POLL_SECONDS", 0.05)
    conversation_id = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan"), window=2, kinds=["message"]) as dan:
        for n in range(5):
            await send_message(client, cast, conversation_id, f"{n}")
        first, second = await dan.until("event"), await dan.until("event")
        with pytest.raises(TimeoutError):
            await dan.receive(0.3)
        assert (await dan.command(type="ack", cursor="else.1"))["error"] == "invalid"
        await dan.send(type="ack", cursor=second["cursor"])
        seqs = [(await dan.until("event"))["event"]["seq"] for _ in range(2)]
        assert [first["event"]["seq"], *seqs] == [1, 3, 4]


async def test_a_new_token_of_the_same_user_keeps_the_socket_open(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan", ttl_s=60)) as dan:
        assert (await dan.command(type="token", token=cast.token("olaf")))["error"] == "forbidden"
        assert (await dan.command(type="token", token=cast.token("dan")))["type"] == "ok"
        cast.clock.advance(seconds=300)
        await server.realtime.reauth.sweep(everyone=False)
        assert (await dan.command(type="ping"))["type"] == "ok"


async def test_an_expired_token_closes_the_socket(
    short_sweep: None, server: Live, cast: Cast
) -> None:
    async with authenticated(server, cast.token("dan", ttl_s=60)) as dan:
        cast.clock.advance(seconds=300)
        assert (await dan.until("closing"))["reason"] == "expired"
        assert await dan.close_code() == 1008


async def test_a_cursor_in_the_first_frame_continues_there(
    client: httpx.AsyncClient, server: Live, cast: Cast
) -> None:
    conversation_id = await open_conversation(client, cast, "dan")
    async with authenticated(server, cast.token("dan")) as dan:
        await send_message(client, cast, conversation_id, "one")
        cursor = (await dan.event("message.created"))["cursor"]
    await send_message(client, cast, conversation_id, "two")
    async with authenticated(server, cast.token("dan"), cursor=cursor) as dan:
        assert (await dan.until("event"))["event"]["seq"] == 2


async def test_an_invalid_cursor_is_reset(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan"), cursor="nothing") as dan:
        assert (await dan.until("reset"))["reason"] == "unknown"


async def test_a_socket_closed_by_shutdown_says_when_to_reconnect(server: Live, cast: Cast) -> None:
    async with authenticated(server, cast.token("dan")) as dan:
        cast.engine.shutdown_signal.start()
        frame = await dan.until("closing")
        assert frame["reason"] == "draining" and 1000 <= frame["retry_ms"] <= 10_000
        assert await dan.close_code() == 1012
