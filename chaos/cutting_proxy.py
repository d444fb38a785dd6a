"""A TCP proxy that cuts a connection where it is told to, to the byte."""

import asyncio
from enum import StrEnum
from types import TracebackType

from msgspec import Struct

from chaos.http_client import HOST


class Point(StrEnum):
    """Where in an exchange the connection is cut."""

    BEFORE = "before the request is sent whole"
    SENT = "after the request, before any answer"
    HEAD = "after the head of the answer"
    MIDDLE = "in the middle of the answer"


class Plan(Struct, frozen=True):
    """Where to cut; `part` from 0 to 1 is how far into the request or the answer. With `both` the
    server's side is cut in the same moment, else it sees nothing of it."""

    point: Point
    part: float = 0.5
    both: bool = True


class Proxy:
    """A proxy before one server. Each connection that is opened while `plan` is set is cut by it;
    without one all goes through. Use as a context; `cuts` counts."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._server: asyncio.Server | None = None
        self._under_way: set[asyncio.Task[None]] = set()
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
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        up_reader, up_writer = await asyncio.open_connection(HOST, self._upstream)
        try:
            await self._exchange(self.plan, (reader, writer), (up_reader, up_writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            up_writer.transport.abort()

    async def _exchange(self, plan: Plan | None, client: "Side", server: "Side") -> None:
        """One request and its answer, or what the plan lets through of them."""
        request = await _message(client[0])
        if plan is not None and plan.point is Point.BEFORE:
            server[1].write(request[: int(len(request) * plan.part)])
            return await self._cut(plan, client, server)
        server[1].write(request)
        if plan is not None and plan.point is Point.SENT:
            return await self._cut(plan, client, server)
        answer = await _message(server[0])
        if plan is None:
            client[1].write(answer)
            return await client[1].drain()
        head = answer.index(b"\r\n\r\n") + 4
        whole = len(answer) - 1
        client[1].write(answer[: head if plan.point is Point.HEAD else int(whole * plan.part)])
        return await self._cut(plan, client, server)

    async def _cut(self, plan: Plan, client: "Side", server: "Side") -> None:
        """Send what was let through, then cut; a server that sees nothing of it may answer yet."""
        self.cuts += 1
        for _, writer in (client, server):
            await writer.drain()
        client[1].close()
        if not plan.both and plan.point is Point.SENT:
            await _message(server[0])


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer, as its Content-Length says."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head
