"""How many streams and sockets an address and a caller may have."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from koine.dialects.chats import ChatsDialect
from koine.dialects.delivery import DeliveryDialect
from koine.dialects.helpdesk import HelpdeskDialect
from koine.dialects.inbox import InboxDialect
from koine.dialects.native import NativeDialect
from koine.http.stream_capacity import StreamCapacity
from koine.kit.settings import load
from koine.model.errors import TooMany
from koine.store.core.db import Database
from tests.cast import Cast, make_cast
from tests.dialects.inbox.cable_client import identifier
from tests.support.live_server import Live, live

STREAMS = {
    "native": "/v1/events",
    "delivery": "/messaging/events",
    "chats": "/api/v1/chats/events",
    "helpdesk": "/api/v1/conversations/events",
}


@asynccontextmanager
async def served(db: Database, **limits: Any) -> AsyncIterator[tuple[Cast, Live]]:
    cast = await make_cast(db, **limits)
    dialects = (
        NativeDialect(),
        DeliveryDialect(),
        ChatsDialect(),
        HelpdeskDialect(),
        InboxDialect(),
    )
    async with live(cast.engine, *dialects) as server:
        yield cast, server


def ways_in(cast: Cast) -> dict[str, dict[str, str]]:
    """The headers of a caller, by dialect."""
    return {
        "native": cast.bearer("alice"),
        "delivery": cast.bearer("dan"),
        "chats": {"Authorization": cast.acme.key},
        "helpdesk": {"X-API-Key": cast.acme.key},
    }


async def follow(stack: AsyncExitStack, server: Live, path: str, **headers: str) -> int:
    """Open a stream until the stack is closed; return its status."""
    client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url))
    response = await stack.enter_async_context(client.stream("GET", path, headers=headers))
    return response.status_code


async def last(socket: ClientConnection) -> int:
    """The code with which the socket is closed."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006


async def reply_to_subscribe(socket: ClientConnection) -> str:
    """The first frame that is neither the welcome nor a ping."""
    while '"identifier"' not in (frame := str(await asyncio.wait_for(socket.recv(), 10))):
        if '"disconnect"' in frame:
            break
    return frame


@pytest.mark.parametrize("dialect", STREAMS)
async def test_streams_of_a_caller_are_limited_until_one_ends(db: Database, dialect: str) -> None:
    async with served(db, streams_per_credential=2) as (cast, server), AsyncExitStack() as stack:
        headers = ways_in(cast)[dialect]
        for status in (200, 200, 429):
            assert await follow(stack, server, STREAMS[dialect], **headers) == status
        await stack.aclose()
        async with AsyncExitStack() as again:
            for _ in range(100):
                if await follow(again, server, STREAMS[dialect], **headers) == 200:
                    return
                await asyncio.sleep(0.05)
    raise AssertionError("what was given back cannot be taken")


async def test_streams_and_sockets_of_an_address_are_limited_together(db: Database) -> None:
    async with served(db, streams_per_address=3) as (cast, server), AsyncExitStack() as stack:
        ways = ways_in(cast)
        for dialect, status in (("native", 200), ("chats", 200), ("helpdesk", 200), ("chats", 429)):
            assert await follow(stack, server, STREAMS[dialect], **ways[dialect]) == status
        for path in ("/cable", "/v1/socket"):
            async with connect(f"{server.ws}{path}") as socket:
                assert await last(socket) == 1013


async def test_behind_a_trusted_proxy_the_forwarded_address_is_counted(db: Database) -> None:
    limits: dict[str, Any] = {"streams_per_address": 1, "trusted_proxies": "127.0.0.1"}
    async with served(db, **limits) as (cast, server), AsyncExitStack() as stack:
        native = ways_in(cast)["native"]
        for address, status in (("10.1.1.1", 200), ("10.1.1.2", 200), ("10.1.1.1", 429)):
            headers = native | {"X-Forwarded-For": address}
            assert await follow(stack, server, "/v1/events", **headers) == status


async def test_sockets_of_a_caller_are_limited(db: Database) -> None:
    async with served(db, streams_per_credential=1) as (cast, server), AsyncExitStack() as stack:
        hello = f'{{"type": "hello", "token": "{cast.token("alice")}"}}'
        codes = []
        for _ in range(2):
            socket = await stack.enter_async_context(connect(f"{server.ws}/v1/socket"))
            await socket.send(hello)
            codes.append('"ready"' in str(await socket.recv()))
        assert codes == [True, False] and await last(socket) == 1013


async def test_subscriptions_of_a_contact_are_limited(db: Database) -> None:
    async with served(db, streams_per_credential=1) as (cast, server), AsyncExitStack() as stack:
        replies = []
        for _ in range(2):
            socket = await stack.enter_async_context(connect(f"{server.ws}/cable"))
            name = identifier(cast.acme.contact_inboxes["carol"]).replace('"', '\\"')
            await socket.send(f'{{"command": "subscribe", "identifier": "{name}"}}')
            replies.append(await reply_to_subscribe(socket))
        assert "confirm_subscription" in replies[0] and "disconnect" in replies[1]


def test_released_slots_take_no_memory() -> None:
    capacity = StreamCapacity(load({}, {"streams_per_address": 1}))
    held: list[str] = []
    capacity.take(held, "address", "a")
    with pytest.raises(TooMany):
        capacity.take(held, "address", "a")
    capacity.release(held)
    assert not held and not capacity.counted
