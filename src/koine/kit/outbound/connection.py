"""A connection that carries one exchange at a time."""

import asyncio
from collections.abc import Callable
from typing import cast

from koine.kit.outbound.answer import Answer
from koine.kit.outbound.message import Failed


class Stale(Failed):
    """The connection ended before a byte of the answer, as a kept one may at any time."""


class Connection(asyncio.Protocol):
    """One connection. `lost` is called with it when it ends."""

    def __init__(self, lost: Callable[["Connection"], None]) -> None:
        self.opened_at = asyncio.get_running_loop().time()
        self._lost = lost
        self._fresh = True
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._waiter: asyncio.Future[Answer] | None = None

    async def exchange(self, request: bytes, limit: int) -> Answer:
        """Send a request, wait for its answer. Raises Failed; the connection is then of no use."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Stale("the connection was closed")
        self._answer = Answer(limit)
        self._waiter = asyncio.get_running_loop().create_future()
        transport.write(request)
        try:
            answer = await self._waiter
            self._fresh = answer.reusable
            return answer
        finally:
            self._waiter = self._answer = None

    @property
    def reusable(self) -> bool:
        """Whether it may carry another exchange: everything said and heard, and still open."""
        return (
            self._fresh
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
        waiter, answer = self._waiter, self._answer
        if waiter is None or answer is None or waiter.done():
            self.abort()
            return
        try:
            answer.feed(data)
        except Failed as failed:
            waiter.set_exception(failed)
            return
        if answer.done:
            waiter.set_result(answer)

    def eof_received(self) -> None:
        """The other side says no more."""
        self._ended()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._ended()
        self._lost(self)

    def _ended(self) -> None:
        waiter, answer = self._waiter, self._answer
        if waiter is None or answer is None or waiter.done():
            return
        if not answer.seen:
            waiter.set_exception(Stale("the connection was closed without an answer"))
            return
        try:
            answer.end()
        except Failed as failed:
            waiter.set_exception(failed)
            return
        waiter.set_result(answer)
