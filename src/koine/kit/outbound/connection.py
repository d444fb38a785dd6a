"""A connection that carries one exchange at a time."""

import asyncio
from collections.abc import Callable
from typing import cast

from koine.kit.outbound.message import RequestFailed
from koine.kit.outbound.response_reader import ResponseReader


class StaleConnection(RequestFailed):
    """The connection ended before a byte of the answer, as a kept one may at any time."""


class Connection(asyncio.Protocol):
    """One connection. `lost` is called with it when it ends."""

    def __init__(self, lost: Callable[["Connection"], None]) -> None:
        self.opened_at = asyncio.get_running_loop().time()
        self._on_lost = lost
        self._keep_alive = True
        self._transport: asyncio.Transport | None = None
        self._response: ResponseReader | None = None
        self._waiter: asyncio.Future[ResponseReader] | None = None

    async def exchange(self, request: bytes, limit: int) -> ResponseReader:
        """Send a request, wait for its answer. Raises Failed; the connection is then of no use."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise StaleConnection("the connection was closed")
        self._response = ResponseReader(limit)
        self._waiter = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            answer = await self._waiter
            self._keep_alive = answer.reusable
            return answer
        finally:
            self._waiter = self._response = None

    @property
    def reusable(self) -> bool:
        """Whether it may carry another exchange: everything said and heard, and still open."""
        return (
            self._keep_alive
            and self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() == 0
        )

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        # Not every loop's transports are of the class that the protocol names.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Some of the answer; what nobody asked for ends the connection."""
        waiter, answer = self._waiter, self._response
        if waiter is None or answer is None or waiter.done():
            self.abort()
            return
        try:
            answer.feed(data)
        except RequestFailed as failed:
            waiter.set_exception(failed)
            return
        if answer.complete:
            waiter.set_result(answer)

    def eof_received(self) -> None:
        """The other side says no more."""
        self._finish()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._finish()
        self._on_lost(self)

    def _finish(self) -> None:
        waiter, answer = self._waiter, self._response
        if waiter is None or answer is None or waiter.done():
            return
        if not answer.bytes_received:
            waiter.set_exception(StaleConnection("the connection was closed without an answer"))
            return
        try:
            answer.end()
        except RequestFailed as failed:
            waiter.set_exception(failed)
            return
        waiter.set_result(answer)
