"""A WebSocket as a dialect speaks it: text in, text out, and an end that says why.

Which socket is where is the dialect's `sockets`; the application accepts none on other paths.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from koine.http.call import AnyCall, Receive, Send
from koine.http.letting_go import let_go
from koine.relay.relay import Relay

NORMAL, GOING, POLICY, TOO_BIG, CRASHED = 1000, 1001, 1008, 1009, 1011
COME_BACK, LATER = 1012, 1013
"""The close codes used (RFC 6455; 1012, service restart, and 1013, try again later, are IANA's)."""


class Gone(Exception):
    """The other end is gone, or did not read for too long."""


class Socket:
    """One connection. One task may send while another receives."""

    def __init__(self, call: AnyCall, receive: Receive, send: Send) -> None:
        self.call = call
        self._receive = receive
        self._send = send
        self._open = False
        self._patience = call.engine.settings.stream_write_seconds

    @property
    def relay(self) -> Relay:
        """Where seats are taken. Raises Unavailable."""
        return self.call.relay

    @property
    def offered(self) -> list[str]:
        """The subprotocols the client offers, in its order."""
        return list(self.call.scope.get("subprotocols", []))

    async def accept(self, subprotocol: str | None = None) -> None:
        """Answer the handshake. Raises Gone."""
        if (await self._receive())["type"] != "websocket.connect":
            raise Gone
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})
        self._open = True

    async def refuse(self, code: int, reason: str) -> None:
        """Close with a code that the client sees: a handshake that is refused has none."""
        if not self._open:
            with contextlib.suppress(Gone):
                await self.accept()
        await self.close(code, reason)

    async def receive(self) -> str:
        """The next text from the client. Raises Gone; binary frames are text in UTF-8."""
        message = await self._receive()
        if message["type"] != "websocket.receive":
            self._open = False
            raise Gone
        text = message.get("text")
        return (
            text
            if text is not None
            else bytes(message.get("bytes") or b"").decode("utf-8", "replace")
        )

    async def send(self, text: str) -> None:
        """Send a text. Raises Gone; a client that does not read for `stream_write_seconds` is."""
        if not self._open:
            raise Gone
        try:
            async with asyncio.timeout(self._patience):
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # the server's own classes of a lost connection are many
            self._lost(error)
            raise Gone from error

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close, if it is still open; before `accept`, refuse the handshake (403)."""
        self._open = False
        try:
            async with asyncio.timeout(self._patience):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except Exception as error:  # it was closed from the other end meanwhile
            self._lost(error)

    def _lost(self, error: Exception) -> None:
        self._open = False
        if isinstance(error, TimeoutError):
            let_go(self.call.scope)


SocketHandler = Callable[[Socket], Awaitable[None]]
