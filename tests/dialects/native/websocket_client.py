"""A client of the native WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.live_server import Live


class WebSocketClient:
    """A client of the socket that sends and receives JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, **command: object) -> None:
        await self._socket.send(msgspec.json.encode(command).decode())

    async def send_raw(self, frame: str | bytes) -> None:
        await self._socket.send(frame)

    async def receive(self, wait: float = 20.0) -> dict[str, Any]:
        async with asyncio.timeout(wait):
            frame: dict[str, Any] = msgspec.json.decode(await self._socket.recv())
            return frame

    async def until(self, kind: str) -> dict[str, Any]:
        while (frame := await self.receive())["type"] != kind:
            pass
        return frame

    async def command(self, **command: object) -> dict[str, Any]:
        """The reply to a command, whatever frames arrive before it."""
        await self.send(id="asked", **command)
        while (frame := await self.receive()).get("id") != "asked":
            pass
        return frame

    async def event(self, kind: str) -> dict[str, Any]:
        while (frame := await self.until("event"))["event"]["type"] != kind:
            pass
        return frame

    async def close_code(self) -> int:
        """The code with which the server closes the socket."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006


@asynccontextmanager
async def open_socket(server: Live) -> AsyncIterator[WebSocketClient]:
    async with connect(f"{server.ws}/v1/socket", compression=None) as socket:
        yield WebSocketClient(socket)


@asynccontextmanager
async def authenticated(
    server: Live, token: str, **hello: object
) -> AsyncIterator[WebSocketClient]:
    """A socket whose first frame was accepted."""
    async with open_socket(server) as client:
        await client.send(type="hello", token=token, **hello)
        assert (await client.receive())["type"] == "ready"
        yield client
