"""A proxy for HTTP/1.1 that cuts a connection at a chosen byte of the request or response."""

import asyncio
from enum import StrEnum
from types import TracebackType

from msgspec import Struct

from chaos.http_client import HOST


class Point(StrEnum):
    """Where in an exchange the connection is cut."""

    BEFORE = "before the request is complete"
    SENT = "after the request, before the response"
    HEAD = "after the head of the response"
    MIDDLE = "within the response"


class Plan(Struct, frozen=True):
    """Where to cut; `part`, from 0 to 1, is how far into the request or response. With `both` the
    connection to the server is cut at the same moment; else the server does not notice."""

    point: Point
    part: float = 0.5
    both: bool = True


class Proxy:
    """A proxy for one server. A connection opened while `plan` is set is cut as it says; others are
    forwarded. Use as a context; `cuts` counts the cuts."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.plan: Plan | None = None
        self.cuts = 0

    async def __aenter__(self) -> "Proxy":
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
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        try:
            await self._forward(self.plan, (reader, writer), (up_reader, up_writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            up_writer.transport.abort()

    async def _forward(self, plan: Plan | None, client: "Side", server: "Side") -> None:
        """Forward one request and its response, or the part before the cut."""
        request = await _message(client[0])
        if plan is not None and plan.point is Point.BEFORE:
            server[1].write(request[: int(len(request) * plan.part)])
            return await self._cut(plan, client, server)
        server[1].write(request)
        if plan is not None and plan.point is Point.SENT:
            return await self._cut(plan, client, server)
        response = await _message(server[0])
        if plan is None:
            client[1].write(response)
            return await client[1].drain()
        head_end = response.index(b"\r\n\r\n") + 4
        last_byte = len(response) - 1
        client[1].write(
            response[: head_end if plan.point is Point.HEAD else int(last_byte * plan.part)]
        )
        return await self._cut(plan, client, server)

    async def _cut(self, plan: Plan, client: "Side", server: "Side") -> None:
        """Flush what was forwarded, then cut. A server that does not notice may still respond."""
        self.cuts += 1
        for _, writer in (client, server):
            await writer.drain()
        client[1].close()
        if not plan.both and plan.point is Point.SENT:
            await _message(server[0])


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read a complete request or response, by its Content-Length."""
    head_end = await reader.readuntil(b"\r\n\r\n")
    for line in head_end.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head_end + await reader.readexactly(int(line.partition(b":")[2]))
    return head_end
