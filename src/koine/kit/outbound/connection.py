"""A connection that carries one exchange at a time."""

import asyncio
from collections.abc import Callable
from typing import cast

from koine.kit.outbound.message import RequestFailed
from koine.kit.outbound.response_reader import ResponseReader


class StaleConnection(RequestFailed):
    """The connection closed before a byte of the response, as an idle one may at any time."""


class Connection(asyncio.Protocol):
    """One connection. `lost` is called with it when it is closed."""

    def __init__(self, lost: Callable[["Connection"], None]) -> None:
        self.opened_at = asyncio.get_running_loop().time()
        self._on_lost = lost
        self._keep_alive = True
        self._transport: asyncio.Transport | None = None
        self._response: ResponseReader | None = None
        self._waiter: asyncio.Future[ResponseReader] | None = None

    async def exchange(self, request: bytes, limit: int) -> ResponseReader:
        """Send a request and wait for its response. Raises RequestFailed; the connection cannot be
        used after that."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise StaleConnection("the connection was closed")
        self._response = ResponseReader(limit)
        self._waiter = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            response = await self._waiter
            self._keep_alive = response.reusable
            return response
        finally:
            self._waiter = self._response = None

    @property
    def reusable(self) -> bool:
        """Whether it can carry another exchange: open, with nothing left to send or to read."""
        return (
            self._keep_alive
            and self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() == 0
        )

    def abort(self) -> None:
        """Close at once; an open exchange fails."""
        if self._transport is not None:
            self._transport.abort()

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        # Not every event loop's transports are of the class in the signature.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of the response; without an open exchange they end the connection."""
        waiter, response = self._waiter, self._response
        if waiter is None or response is None or waiter.done():
            self.abort()
            return
        try:
            response.feed(data)
        except RequestFailed as failed:
            waiter.set_exception(failed)
            return
        if response.complete:
            waiter.set_result(response)

    def eof_received(self) -> None:
        """The server closed its sending side."""
        self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is closed."""
        self._finish()
        self._on_lost(self)

    def _finish(self) -> None:
        waiter, response = self._waiter, self._response
        if waiter is None or response is None or waiter.done():
            return
        if not response.bytes_received:
            waiter.set_exception(StaleConnection("the connection was closed without a response"))
            return
        try:
            response.end()
        except RequestFailed as failed:
            waiter.set_exception(failed)
            return
        waiter.set_result(response)
