"""A minimal HTTP/1.1 client that never retries: rigs count each response and each failure."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

HOST = "127.0.0.1"
TIMEOUT_S = 30.0


class IncompleteResponse(Exception):
    """The connection ended before the response was complete; `received` counts the bytes of it."""

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes of a response")
        self.received = received


class Response(Struct, frozen=True):
    """A response; the names in `headers` are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Request(Struct, frozen=True):
    """A request; `body` is sent as JSON (None: no body)."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: object = None

    def encoded(self) -> bytes:
        """The bytes of the request."""
        sent = b"" if self.body is None else json.dumps(self.body).encode()
        head = {"Host": HOST, "Content-Length": str(len(sent)), **self.headers}
        if sent:
            head["Content-Type"] = "application/json"
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + sent


class Connection:
    """A keep-alive connection to a server, opened by its first request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, request: Request, within: float = TIMEOUT_S) -> Response:
        """Send a request and read the response. Raises OSError, IncompleteResponse, TimeoutError;
        the connection is then closed, and the next request opens another."""
        try:
            async with asyncio.timeout(within):
                if self._reader is None or self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection(HOST, self.port)
                self._writer.write(request.encoded())
                return await read_response(self._reader)
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether the next request would use a connection that is already open."""
        return self._writer is not None

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


async def send_request(port: int, request: Request, within: float = TIMEOUT_S) -> Response:
    """Send one request on a new connection. Raises as `Connection.send`."""
    connection = Connection(port)
    try:
        return await connection.send(request, within)
    finally:
        connection.close()


async def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Response:
    """GET on a new connection. Raises as `Connection.send`."""
    return await send_request(port, Request("GET", path, headers or {}))


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read one response that has a Content-Length. Raises IncompleteResponse."""
    head_size = 0
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        head_size = len(head)
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError as error:
        raise IncompleteResponse(head_size + len(error.partial)) from None
    return Response(int(first.split()[1]), headers, body)
