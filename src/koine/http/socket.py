"""A WebSocket as a dialect speaks it: text in, text out, and an end that says why.

Which socket is where is the dialect's `sockets`; the application accepts none on other paths.
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
    """The other end is gone, or did not read for too long."""


class WebSocket:
    """One connection. One task may send while another receives."""

    def __init__(self, call: AnyRequest, receive: Receive, send: Send) -> None:
        self.request = call
        self._receive = receive
        self._send = send
        self._open = False
        self._write_timeout = call.engine.settings.stream_write_seconds

    @property
    def realtime(self) -> Realtime:
        """Where seats are taken. Raises Unavailable."""
        return self.request.realtime

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols the client offers, in its order."""
        return list(self.request.scope.get("subprotocols", []))

    async def accept(self, subprotocol: str | None = None) -> None:
        """Answer the handshake. Raises Gone."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Disconnected
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._open = True

    async def accept_and_close(self, code: int, reason: str) -> None:
        """Close with a code that the client sees: a handshake that is refused has none."""
        if not self._open:
            with contextlib.suppress(Disconnected):
                await self.accept()
        await self.close(code, reason)

    async def receive(self) -> str:
        """The next text from the client. Raises Gone; binary frames are text in UTF-8."""
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
        """Send a text. Raises Gone; a client that does not read for `stream_write_seconds` is."""
        if not self._open:
            raise Disconnected
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # the server's own classes of a lost connection are many
            self._connection_lost(error)
            raise Disconnected from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close, if it is still open; before `accept`, refuse the handshake (403)."""
        self._open = False
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception as error:  # it was closed from the other end meanwhile
            self._connection_lost(error)

    def _connection_lost(self, error: Exception) -> None:
        self._open = False
        if isinstance(error, TimeoutError):
            abort_connection(self.request.scope)


SocketHandler = Callable[[WebSocket], Awaitable[None]]
