"""A gate before a TCP server of 127.0.0.1: open, it forwards connections; shut, it resets them."""

import asyncio
import contextlib

from chaos.local_proxy import LocalProxy, Side

_CHUNK = 64 * 1024


class TcpGate(LocalProxy):
    """Use as a context; `port` is where it listens."""

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self._is_open = True

    async def shut(self) -> None:
        """Reset all connections, and each new one at once."""
        self._is_open = False
        await self._end()

    def reopen(self) -> None:
        """Forward new connections again."""
        self._is_open = True

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await super()._end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        with contextlib.suppress(asyncio.CancelledError):
            await super()._serve(reader, writer)

    async def _forward(self, client: Side, server: Side) -> None:
        ways = [
            asyncio.create_task(_copy(client[0], server[1])),
            asyncio.create_task(_copy(server[0], client[1])),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
