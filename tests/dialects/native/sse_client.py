"""A client of the native stream, as a page of JavaScript would be one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import msgspec
from msgspec import Struct

Json = dict[str, Any]


class SseEvent(Struct):
    """One event of a stream: its type, what it holds, and the cursor behind it."""

    kind: str
    data: Json
    cursor: str | None = None


class SseClient:
    """An open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.cursor = ""

    async def next(self, wait: float = 5.0) -> SseEvent:
        """The next event. Raises TimeoutError, StopAsyncIteration at the end."""
        async with asyncio.timeout(wait):
            if (line := await self._next()) is None:
                raise StopAsyncIteration
            return line

    async def ended(self, wait: float = 5.0) -> bool:
        """Whether the stream ends now."""
        async with asyncio.timeout(wait):
            return await self._next() is None

    async def until(self, kind: str, wait: float = 5.0) -> list[SseEvent]:
        """All up to the next event of this kind, it included."""
        found: list[SseEvent] = []
        async with asyncio.timeout(wait):
            while (line := await self._next()) is not None:
                found.append(line)
                if line.kind == kind:
                    break
        return found

    async def rest(self, wait: float = 0.5) -> list[SseEvent]:
        """All that comes until nothing does for so long."""
        found: list[SseEvent] = []
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(wait):
                    if (line := await self._next()) is None:
                        break
                    found.append(line)
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
) -> AsyncIterator[SseClient]:
    """The stream of whoever shows these headers, from behind the cursor or from now on."""
    if cursor is not None:
        headers = headers | {"Last-Event-ID": cursor}
    timeout = httpx.Timeout(5.0, read=None)
    async with (
        httpx.AsyncClient(timeout=timeout) as client,
        client.stream("GET", f"{url}{path}{query}", headers=headers) as answer,
    ):
        assert answer.status_code == 200, (await answer.aread()).decode()
        yield SseClient(answer)
