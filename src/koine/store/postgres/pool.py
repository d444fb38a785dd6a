"""A small pool of connections, last in, first out, so that few connections do most of the work.

With asyncpg's own pool the throughput is a third lower: it resets a connection on every release and
forgets the handles of its prepared statements (docs/benchmarks.md).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter

import asyncpg

from koine.kit import metrics
from koine.model.errors import Refusal, Unavailable
from koine.store.core.db import PoolUsage
from koine.store.postgres.tx import CONNECTION_ERRORS, ConnectionLost, PooledConnection

_ACQUIRE_SECONDS = 5.0
"""Seconds a caller waits for a connection before Unavailable is raised."""
_CLOSE_SECONDS = 2.0
"""Seconds a server may take to close a connection before it is aborted."""


class Pool:
    """At most `size` connections, opened when needed. A slot is a connection or the right to open
    one."""

    def __init__(self, connect: Callable[[], Awaitable[PooledConnection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._slots_used = 0
        self._idle: list[PooledConnection] = []
        self._waiting: deque[asyncio.Future[PooledConnection | None]] = deque()
        self._closed = False

    def usage(self, name: str) -> PoolUsage:
        """How it is used now, under this name."""
        idle = len(self._idle)
        waiting = sum(not future.done() for future in self._waiting)
        return PoolUsage(name, self._size, self._slots_used - idle, idle, waiting)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """A connection for the length of a block.

        Raises ConnectionLost if it broke, Unavailable if none was free in time. If the block is
        cancelled, a statement may still run: then the connection is aborted.
        """
        pooled = await self._acquire()
        try:
            yield pooled
        except asyncio.CancelledError:
            pooled.terminate()
            raise
        except Refusal:
            raise
        except asyncpg.DataError:
            # The driver may refuse a value after it prepared the statement without a Sync. The
            # server then waits, and at `statement_timeout` sends an error to the next caller.
            # (If the server refused the value, the connection could be kept; it has the same type.)
            pooled.terminate()
            raise
        except Exception as error:
            if pooled.usable() and not isinstance(error, CONNECTION_ERRORS):
                raise
            pooled.terminate()
            raise ConnectionLost() from error
        finally:
            self._release(pooled)

    async def close(self) -> None:
        """Close the idle connections now, those in use when they are released."""
        self._closed = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable())
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close_gracefully(pooled) for pooled in idle))

    async def _acquire(self) -> PooledConnection:
        if self._closed:
            raise Unavailable()
        while self._idle:
            pooled = self._idle.pop()
            if pooled.usable():
                return pooled
            self._slots_used -= 1
        if self._slots_used < self._size:
            self._slots_used += 1
            return await self._open()
        return await self._wait() or await self._open()

    async def _open(self) -> PooledConnection:
        """Open a connection for the slot that the caller holds."""
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
            # The slot may have been handed over just as the wait ended: pass it on.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._hand_over(future.result())
            if isinstance(error, TimeoutError):
                raise Unavailable() from None
            raise
        finally:
            metrics.DATABASE_WAIT.observe(perf_counter() - began)

    def _release(self, pooled: PooledConnection) -> None:
        if self._closed:
            pooled.terminate()
        self._hand_over(pooled if pooled.usable() else None)

    def _hand_over(self, pooled: PooledConnection | None) -> None:
        """Give the slot, with its connection if it has one, to the caller that waits longest."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(pooled)
                return
        if pooled is None:
            self._slots_used -= 1
        else:
            self._idle.append(pooled)


async def _close_gracefully(pooled: PooledConnection) -> None:
    """Close a connection by the protocol, but do not wait long for the server."""
    try:
        await pooled.connection.close(timeout=_CLOSE_SECONDS)
    except CONNECTION_ERRORS:
        pooled.terminate()
