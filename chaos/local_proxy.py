"""Forwards connections to a TCP server of 127.0.0.1, as a subclass says."""

import asyncio
from types import TracebackType
from typing import Self

from chaos.http_client import HOST


class LocalProxy:
    """Use as a context; `port` is where it listens. A subclass forwards each connection."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._end()

    async def _end(self) -> None:
        """Wait for the end of all connections."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        try:
            await self._forward((reader, writer), (up_reader, up_writer))
        finally:
            writer.transport.abort()
            up_writer.transport.abort()

    async def _forward(self, client: "Side", server: "Side") -> None:
        raise NotImplementedError


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]
