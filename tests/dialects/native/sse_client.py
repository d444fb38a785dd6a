"""A client of server-sent events, as a browser's `EventSource` is one."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct

Json = dict[str, Any]


class SseEvent(Struct):
    """One event of a stream: its type, its data, and its cursor."""

    kind: str
    data: Json
    cursor: str | None = None


class SseClient:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.cursor = ""

    async def next(self, wait: float = 20.0) -> SseEvent:
        """The next event. Raises TimeoutError, StopAsyncIteration at the end."""
        async with asyncio.timeout(wait):
            if (event := await self._next()) is None:
                raise StopAsyncIteration
            return event

    async def ended(self, wait: float = 20.0) -> bool:
        """Whether the stream ends now."""
        async with asyncio.timeout(wait):
            return await self._next() is None

    async def until(self, kind: str, wait: float = 20.0) -> list[SseEvent]:
        """All events up to the next one of this kind, inclusive."""
        found: list[SseEvent] = []
        async with asyncio.timeout(wait):
            while (event := await self._next()) is not None:
                found.append(event)
                if event.kind == kind:
                    break
        return found

    async def _next(self) -> SseEvent | None:
        fields: dict[str, str] = {}
        async for text in self._lines:
            name, _, value = text.partition(": ")
            if text:
                fields[name] = value
                continue
            self.cursor = fields.get("id", self.cursor)
            if "event" in fields:
                data = msgspec.json.decode(fields["data"])
                return SseEvent(fields["event"], data, fields.get("id"))
            fields = {}
        return None


@asynccontextmanager
async def follow_stream(
    url: str,
    headers: dict[str, str],
    cursor: str | None = None,
    query: str = "",
    path: str = "/v1/events",
    verify: ssl.SSLContext | bool = True,
) -> AsyncIterator[SseClient]:
    """The stream for these headers, after the cursor or from now on. `verify` is httpx's."""
    if cursor is not None:
        headers = headers | {"Last-Event-ID": cursor}
    timeout = httpx.Timeout(5.0, read=None)
    async with (
        httpx.AsyncClient(timeout=timeout, verify=verify) as client,
        client.stream("GET", f"{url}{path}{query}", headers=headers) as response,
    ):
        assert response.status_code == 200, (await response.aread()).decode()
        yield SseClient(response)
