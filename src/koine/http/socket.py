"""A WebSocket connection for a dialect's handler: text messages, and a close code with a reason.

The dialect's `sockets` has the handlers by path; on other paths the handshake is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from koine.http.abort import abort_connection
from koine.http.request import AnyRequest, Receive, Send
from koine.realtime.realtime import Realtime

NORMAL, GOING_AWAY, POLICY_VIOLATION, MESSAGE_TOO_BIG, INTERNAL_ERROR = 1000, 1001, 1008, 1009, 1011
SERVICE_RESTART, TRY_AGAIN_LATER = 1012, 1013
"""The close codes used (RFC 6455; 1012, service restart, and 1013, try again later, are IANA's)."""


class Disconnected(Exception):
    """The client has disconnected, or did not read for too long."""


class WebSocket:
    """One connection. One task may send while another receives."""

    def __init__(self, request: AnyRequest, receive: Receive, send: Send) -> None:
        self.request = request
        self._receive = receive
        self._send = send
        self._open = False
        self._write_timeout = request.engine.settings.stream_write_seconds

    @property
    def realtime(self) -> Realtime:
        """Where connections subscribe to events. Raises Unavailable."""
        return self.request.realtime

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols the client offers, in its order."""
        return list(self.request.scope.get("subprotocols", []))

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept the handshake. Raises Disconnected."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Disconnected
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._open = True

    async def accept_and_close(self, code: int, reason: str) -> None:
        """Accept first, then close: a client sees the code only after the handshake."""
        if not self._open:
            with contextlib.suppress(Disconnected):
                await self.accept()
        await self.close(code, reason)

    async def receive(self) -> str:
        """The next message as text; binary ones are decoded as UTF-8. Raises Disconnected."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._open = False
            raise Disconnected
        text = message.get("text")
        return (
            text
            if text is not None
            else bytes(message.get("bytes") or b"").decode("utf-8", "replace")
        )

    async def send(self, text: str) -> None:
        """Send a text. Raises Disconnected, also when the client does not read for
        `stream_write_seconds`."""
        if not self._open:
            raise Disconnected
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # uvicorn and websockets have many classes of a lost connection
            self._connection_lost(error)
            raise Disconnected from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close; before `accept`, refuse the handshake (403). Harmless when it is closed."""
        self._open = False
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception as error:  # the client has closed it meanwhile
            self._connection_lost(error)

    def _connection_lost(self, error: Exception) -> None:
        self._open = False
        if isinstance(error, TimeoutError):
            abort_connection(self.request.scope)


SocketHandler = Callable[[WebSocket], Awaitable[None]]
