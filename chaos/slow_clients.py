"""Clients that are slow on purpose must not cost other clients time, nor the server much memory.

From one address come connections that send nothing, half a head, a body byte by byte or a huge
header, and WebSockets that flood the server with pings or empty fragments. The rig measures the
latency of /livez for another address, and the memory of the server, while normal clients send. It
counts the connections that are still open after their deadlines.
"""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import AsyncIterator

from msgspec import Struct

from chaos.http_client import HOST, Connection, Request
from chaos.latency_probe import probing
from chaos.process_stats import memory_bytes
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.servers import Server, ServerHome, nodes

SOURCE_ADDRESS = "127.0.0.2"
"""An address of this machine that the normal clients do not use."""
HEADER_MIB = 96
MAX_P99_S = 0.05
MAX_GROWTH_BYTES = 32 << 20
CLOSE_WITHIN_S = 5.0
DEADLINE_S, SHORT_DEADLINE_S = 5, 2
_PING, _TEXT, _EMPTY_FRAGMENT = b"\x89\x80\0\0\0\0", b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"
_HEAD = f"POST /v1/auth/login HTTP/1.1\r\nHost: {HOST}\r\n".encode()


class SlowClientsResult(Struct, frozen=True):
    """`still_open` counts connections of slow clients that are open after their deadlines. Of the
    time with slow clients: `p99_s` is that of `responses` to /livez, `sent` counts messages of
    normal clients, and `growth_bytes` is the largest growth of the server's memory."""

    clients: int
    still_open: int
    p99_s: float
    responses: int
    sent: int
    growth_bytes: int

    @property
    def ok(self) -> bool:
        """All closed, others not delayed, and no memory kept."""
        fast = self.responses > 0 and self.p99_s <= MAX_P99_S
        return not self.still_open and self.growth_bytes <= MAX_GROWTH_BYTES and fast


class SlowClients:
    """Slow clients: connections that stay open until the server closes them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: list[asyncio.Task[None]] = []

    def connect(
        self, count: int, start: bytes, repeated: bytes = b"", every_s: float = 0.0
    ) -> None:
        """Open `count` connections that send `start`, then `repeated` every `every_s` seconds."""
        for _ in range(count):
            self._tasks.append(asyncio.create_task(self._connection(start, repeated, every_s)))

    @property
    def count(self) -> int:
        """How many were opened."""
        return len(self._tasks)

    @property
    def open_count(self) -> int:
        """How many are still open."""
        return sum(not task.done() for task in self._tasks)

    async def close(self) -> None:
        """Close those that are still open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, start: bytes, repeated: bytes, every_s: float) -> None:
        reader, writer = await asyncio.open_connection(
            HOST, self._port, local_addr=(SOURCE_ADDRESS, 0)
        )
        sending = asyncio.create_task(_write_repeatedly(writer, start, repeated, every_s))
        try:
            with contextlib.suppress(OSError):
                while await reader.read(1 << 16):
                    pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()


async def run(settings: RigSettings) -> Figure:
    """Measure one server on SQLite; the latency is measured in a process of its own."""
    count = settings.trials(300, 12)
    deadline_s = settings.pick(DEADLINE_S, SHORT_DEADLINE_S)
    result = await attack(ServerHome(settings.folder), count, deadline_s)
    return Figure(
        rig=RIG.name,
        params={
            "idle": count,
            "half_heads": count,
            "slow_bodies": count // 6,
            **deadlines(deadline_s),
        },
        counts={name: getattr(result, name) for name in result.__struct_fields__},
        ok=result.ok,
        line=f"{result.clients:,} slow clients: p99 of others' /livez {result.p99_s * 1000:.0f} ms "
        f"in {result.responses:,} responses, {result.sent:,} messages at that time, the server "
        f"grows by {result.growth_bytes / (1 << 20):.0f} MiB, {result.still_open} clients left "
        "after their deadlines",
    )


def deadlines(seconds: int) -> dict[str, int]:
    """The settings of a server that closes a slow connection after so many seconds."""
    return dict.fromkeys(
        ("head_seconds", "body_seconds", "idle_seconds", "socket_login_seconds"), seconds
    )


async def attack(
    home: ServerHome,
    count: int,
    deadline_s: int,
    *,
    close_within_s: float = CLOSE_WITHIN_S,
    fault: str = "",
) -> SlowClientsResult:
    """Open all slow connections at the same time, and wait until they are closed, at most
    `close_within_s` seconds after their deadlines."""
    tenant = await seed(home, 10)
    async with nodes(home, settings=deadlines(deadline_s), fault=fault) as (server,):
        clients, memory_before = SlowClients(server.port), memory_bytes(server.pid)
        async with probing(server.port) as delays, _normal_traffic(server, tenant) as traffic:
            clients.connect(count, b"")
            clients.connect(count, _HEAD + b"X-Half: ")
            clients.connect(count // 6, _HEAD + b"Content-Length: 900\r\n\r\n", b"{", 0.5)
            clients.connect(1, _HEAD + b"X-Long: ", b"x" * (1 << 20))
            for path in (b"/cable", b"/v1/socket"):
                clients.connect(2, _upgrade(path), _PING * 2000)
                clients.connect(2, _upgrade(path), _TEXT + _EMPTY_FRAGMENT * 2000)
            until = time.monotonic() + deadline_s + close_within_s
            while clients.open_count and time.monotonic() < until:
                traffic.growth_bytes = max(
                    traffic.growth_bytes, memory_bytes(server.pid) - memory_before
                )
                await asyncio.sleep(0.1)
            still_open = clients.open_count
        await clients.close()
    ordered = sorted(delays)
    return SlowClientsResult(
        clients=clients.count,
        still_open=still_open,
        p99_s=round(ordered[len(ordered) * 99 // 100], 4) if ordered else float("inf"),
        responses=len(ordered),
        sent=traffic.sent,
        growth_bytes=traffic.growth_bytes,
    )


class NormalTraffic:
    """How many messages normal clients sent, and how much the server's memory grew."""

    def __init__(self) -> None:
        self.sent = 0
        self.growth_bytes = 0


@contextlib.asynccontextmanager
async def _normal_traffic(server: Server, tenant: SeededTenant) -> AsyncIterator[NormalTraffic]:
    traffic, connection = NormalTraffic(), Connection(server.port)

    async def send() -> None:
        while True:
            path = f"/v1/conversations/{tenant.conversations[traffic.sent % 10].id}/messages"
            body = {"content": f"message {traffic.sent}"}
            response = await connection.send(Request("POST", path, tenant.bearer("alice"), body))
            assert response.status == 201, response
            traffic.sent += 1
            await asyncio.sleep(0.02)

    sending = asyncio.create_task(send())
    try:
        yield traffic
    finally:
        assert not sending.done(), sending
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        connection.close()


async def _write_repeatedly(
    writer: asyncio.StreamWriter, start: bytes, repeated: bytes, every_s: float
) -> None:
    """Write until the server closes the connection, or until HEADER_MIB are written."""
    with contextlib.suppress(OSError):
        writer.write(start)
        await asyncio.sleep(0.2)  # a WebSocket must be accepted before its first frame
        sent_bytes = 0
        while repeated and sent_bytes < HEADER_MIB << 20:
            writer.write(repeated)
            await writer.drain()
            sent_bytes += len(repeated)
            await asyncio.sleep(every_s)


def _upgrade(path: bytes) -> bytes:
    key = base64.b64encode(os.urandom(16))
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key
        + b"\r\n\r\n"
    )  # fmt: skip


RIG = Rig(
    name="slow_clients",
    title="a header of 96 MiB, 300 idle connections and 300 with half a head, 50 slow bodies and "
    "floods of pings and empty fragments from one address, under normal load",
    goal="p99 of others' /livez ≤ 50 ms, memory grows ≤ 32 MiB, all closed by their deadlines",
    run=run,
)
