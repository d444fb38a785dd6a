"""A proxy for HTTP/1.1 that cuts a connection at a chosen byte of the request or response."""

import asyncio
import contextlib
from enum import StrEnum

from msgspec import Struct

from chaos.local_proxy import LocalProxy, Side


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


class CuttingProxy(LocalProxy):
    """A proxy for one server. A connection opened while `plan` is set is cut as it says; others are
    forwarded. Use as a context; `cuts` counts the cuts."""

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.plan: Plan | None = None
        self.cuts = 0

    async def _forward(self, client: Side, server: Side) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._forward_one(self.plan, client, server)

    async def _forward_one(self, plan: Plan | None, client: Side, server: Side) -> None:
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

    async def _cut(self, plan: Plan, client: Side, server: Side) -> None:
        """Flush what was forwarded, then cut. A server that does not notice may still respond."""
        self.cuts += 1
        for _, writer in (client, server):
            await writer.drain()
        client[1].close()
        if not plan.both and plan.point is Point.SENT:
            await _message(server[0])


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read a complete request or response, by its Content-Length."""
    head_end = await reader.readuntil(b"\r\n\r\n")
    for line in head_end.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head_end + await reader.readexactly(int(line.partition(b":")[2]))
    return head_end
