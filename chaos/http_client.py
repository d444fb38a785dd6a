"""HTTP/1.1 by hand: the chaos count what a client was told, so nothing may be retried for them."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

HOST = "127.0.0.1"
PATIENCE = 30.0


class Cut(Exception):
    """The connection ended before the answer was whole; `got` counts the bytes of it."""

    def __init__(self, got: int) -> None:
        super().__init__(f"{got} bytes of an answer")
        self.got = got


class Reply(Struct, frozen=True):
    """An answer; the names of `headers` are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Request(Struct, frozen=True):
    """A request: its body goes as JSON, None for none."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: object = None

    def encoded(self) -> bytes:
        """As it goes over the wire."""
        sent = b"" if self.body is None else json.dumps(self.body).encode()
        head = {"Host": HOST, "Content-Length": str(len(sent)), **self.headers}
        if sent:
            head["Content-Type"] = "application/json"
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + sent


class Line:
    """One connection to a server, opened by its first request and kept."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: Request, within: float = PATIENCE) -> Reply:
        """Send a request and read its answer. Raises OSError, Cut, TimeoutError; the connection
        is then closed, and the next request opens another."""
        try:
            async with asyncio.timeout(within):
                if self._reader is None or self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection(HOST, self.port)
                self._writer.write(request.encoded())
                return await read_reply(self._reader)
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that the next request would go over."""
        return self._writer is not None

    def close(self) -> None:
        """Close the connection; harmless when there is none."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


async def ask(port: int, request: Request, within: float = PATIENCE) -> Reply:
    """One request on a connection of its own. Raises as `Line.ask`."""
    line = Line(port)
    try:
        return await line.ask(request, within)
    finally:
        line.close()


async def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Reply:
    """GET on a connection of its own. Raises as `Line.ask`."""
    return await ask(port, Request("GET", path, headers or {}))


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer that says its length. Raises Cut."""
    head_size = 0
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        head_size = len(head)
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError as error:
        raise Cut(head_size + len(error.partial)) from None
    return Reply(int(first.split()[1]), headers, body)
