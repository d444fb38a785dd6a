"""A small pool of connections, last in first out, so that few stay warm.

asyncpg's own pool costs a third of the throughput: it resets a connection on every release and
forgets its prepared statements' handles (docs/benchmarks.md).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter

from koine.kit import metrics
from koine.model.errors import Refusal, Unavailable
from koine.store.postgres.tx import CONNECTION_ERRORS, ConnectionLost, PooledConnection

_ACQUIRE_SECONDS = 5.0
"""Seconds a caller waits for a connection before it is told Unavailable."""
_CLOSE_SECONDS = 2.0
"""Seconds a server may take to close a connection before it is cut off."""


class Pool:
    """At most `size` links, opened when needed. A place is a link or the right to open one."""

    def __init__(self, connect: Callable[[], Awaitable[PooledConnection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._slots_used = 0
        self._idle: list[PooledConnection] = []
        self._waiting: deque[asyncio.Future[PooledConnection | None]] = deque()
        self._closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """A link for the length of a block.

        Raises Lost for whatever broke the connection, Unavailable when none came free in time. A
        cancelled block leaves a statement under way: its connection is cut off.
        """
        link = await self._acquire()
        try:
            yield link
        except asyncio.CancelledError:
            link.terminate()
            raise
        except Refusal:
            raise
        except Exception as error:
            if link.usable() and not isinstance(error, CONNECTION_ERRORS):
                raise
            link.terminate()
            raise ConnectionLost() from error
        finally:
            self._release(link)

    async def close(self) -> None:
        """Close what is idle; a link in use is closed when it comes back."""
        self._closed = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable())
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close_gracefully(link) for link in idle))

    async def _acquire(self) -> PooledConnection:
        if self._closed:
            raise Unavailable()
        while self._idle:
            link = self._idle.pop()
            if link.usable():
                return link
            self._slots_used -= 1
        if self._slots_used < self._size:
            self._slots_used += 1
            return await self._open()
        return await self._wait() or await self._open()

    async def _open(self) -> PooledConnection:
        """Fill the place we hold with a link."""
        try:
            return await self._connect()
        except CONNECTION_ERRORS as error:
            self._hand_over(None)
            raise ConnectionLost() from error
        except BaseException:
            self._hand_over(None)
            raise

    async def _wait(self) -> PooledConnection | None:
        future: asyncio.Future[PooledConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        began = perf_counter()
        try:
            return await asyncio.wait_for(future, _ACQUIRE_SECONDS)
        except (TimeoutError, asyncio.CancelledError) as error:
            # A place may be handed to us in the very turn we give up: it goes to the next.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._hand_over(future.result())
            if isinstance(error, TimeoutError):
                raise Unavailable() from None
            raise
        finally:
            metrics.DATABASE_WAIT.observe(perf_counter() - began)

    def _release(self, link: PooledConnection) -> None:
        if self._closed:
            link.terminate()
        self._hand_over(link if link.usable() else None)

    def _hand_over(self, link: PooledConnection | None) -> None:
        """Hand our place, with its link if it has one, to the longest waiting caller."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(link)
                return
        if link is None:
            self._slots_used -= 1
        else:
            self._idle.append(link)


async def _close_gracefully(link: PooledConnection) -> None:
    """Close a link as the protocol asks; a server that does not answer holds up no shutdown."""
    try:
        await link.connection.close(timeout=_CLOSE_SECONDS)
    except CONNECTION_ERRORS:
        link.terminate()
