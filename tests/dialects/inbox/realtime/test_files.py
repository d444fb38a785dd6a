"""The link of a file in an event can be fetched over HTTP, also behind a proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.cast import Cast
from tests.dialects.inbox.cable_client import CableClient, LiveServer, identifier, live_server
from tests.dialects.inbox.pictures import PNG

PATHS = {"plain": "", "squeezed": "/"}


@pytest.fixture
def cast_settings(tmp_path: Path) -> dict[str, object]:
    return {"data_dir": str(tmp_path), "trusted_proxies": "127.0.0.1"}


@pytest.fixture
async def live_inbox(cast: Cast) -> AsyncIterator[LiveServer]:
    async with live_server(cast) as open_:
        yield open_


@asynccontextmanager
async def cable(
    live_inbox: LiveServer, extra: str = "", **headers: str
) -> AsyncIterator[CableClient]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with connect(f"{live_inbox.server.ws}{extra}/cable", additional_headers=named) as socket:
        client = CableClient(socket)
        assert await client.receive() == {"type": "welcome"}
        await client.subscribe(identifier(live_inbox.carol))
        yield client


async def send_picture(live_inbox: LiveServer) -> None:
    path = "/conversations/1/messages"
    await live_inbox.request(
        "POST", live_inbox.carol, path, files={"attachments[]": ("a.png", PNG)}
    )


def links(data: Any) -> set[str]:
    if isinstance(data, dict):
        return {
            *(str(value) for name, value in data.items() if name in ("data_url", "thumb_url")),
            *(link for value in data.values() for link in links(value)),
        }
    return {link for each in data for link in links(each)} if isinstance(data, list) else set()


async def received_links(client: CableClient, live_inbox: LiveServer) -> set[str]:
    await send_picture(live_inbox)
    found = links(await client.event("message.created"))
    await live_inbox.post(live_inbox.carol, "/conversations/1/toggle_status")
    return found | links(await client.event("conversation.status_changed"))


@pytest.mark.parametrize("extra", PATHS.values(), ids=PATHS)
async def test_a_frames_link_is_fetched_over_http(live_inbox: LiveServer, extra: str) -> None:
    async with cable(live_inbox, extra) as client:
        (link,) = await received_links(client, live_inbox)
        assert link.startswith(f"{live_inbox.server.url}/files/")
        async with httpx.AsyncClient() as web:
            assert (await web.get(link)).content == PNG


@pytest.mark.parametrize(
    ("forwarded_scheme", "scheme"),
    [("wss", "https"), ("ws", "http"), ("https", "https"), ("WSS, http", "https"), ("x", "http")],
)
async def test_behind_a_proxy_the_link_is_the_proxys(
    live_inbox: LiveServer, forwarded_scheme: str, scheme: str
) -> None:
    proxied = {"X_Forwarded_Proto": forwarded_scheme, "X_Forwarded_Host": "chat.test"}
    async with cable(live_inbox, **proxied) as client:
        (link,) = await received_links(client, live_inbox)
        assert link.startswith(f"{scheme}://chat.test/files/")


@pytest.mark.parametrize("extra", PATHS.values(), ids=PATHS)
async def test_the_native_sockets_links_are_http_too(live_inbox: LiveServer, extra: str) -> None:
    url = f"{live_inbox.server.ws}{extra}/v1{extra}/socket"
    async with connect(url, additional_headers={"X-Forwarded-Proto": "wss"}) as socket:
        hello = {"type": "hello", "token": live_inbox.cast.token("ada")}
        await socket.send("\ufeff" + msgspec.json.encode(hello).decode())
        assert msgspec.json.decode(await socket.recv())["type"] == "ready"
        await send_picture(live_inbox)
        async with asyncio.timeout(10):
            while (frame := msgspec.json.decode(await socket.recv()))["type"] != "event" or (
                frame["event"]["type"] != "message.created"
            ):
                pass
    message = frame["event"]["data"]["message"]
    assert message["attachments"][0]["url"].startswith("https://127.0.0.1:")
