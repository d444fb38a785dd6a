"""Slow, huge, many and greedy callers: what they cost the server and others, and how they end."""

import asyncio
import base64
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import Struct

from chaos.http_client import HOST, Line, Request
from chaos.latency_probe import probing
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.servers import Server, ServerHome, nodes

FROM = "127.0.0.2"
"""An address of this machine that is not the others'."""
HEADER_MIB = 96
P99_S = 0.05
MAX_GROWTH_BYTES = 32 << 20
SLACK_S = 5.0
DEADLINES = {"head_seconds": 5, "body_seconds": 5, "idle_seconds": 5, "socket_login_seconds": 5}
_PING, _TEXT, _NOTHING = b"\x89\x80\0\0\0\0", b"\x01\x80\0\0\0\0", b"\x00\x80\0\0\0\0"
_HEAD = f"POST /v1/auth/login HTTP/1.1\r\nHost: {HOST}\r\n".encode()


class SlowClientsResult(Struct, frozen=True):
    """What was seen. `left` counts connections of strangers that were still open a little after
    their deadlines; `p99_s` is of others' /livez meanwhile, `sent` what others said meanwhile,
    `grown` the most bytes that the process grew."""

    strangers: int
    left: int
    p99_s: float
    answers: int
    sent: int
    grown: int

    @property
    def ok(self) -> bool:
        """All gone, nobody held up, nothing kept."""
        fast = self.answers > 0 and self.p99_s <= P99_S
        return not self.left and self.grown <= MAX_GROWTH_BYTES and fast


class ConnectionGroup:
    """Strangers, each a connection that ends when the server ends it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: list[asyncio.Task[None]] = []

    def connect(self, n: int, start: bytes, drop: bytes = b"", every_s: float = 0.0) -> None:
        """So many more, who say `start` and then `drop` again and again, if it is anything."""
        for _ in range(n):
            self._tasks.append(asyncio.create_task(self._one(start, drop, every_s)))

    @property
    def count(self) -> int:
        """How many have come."""
        return len(self._tasks)

    @property
    def closed_count(self) -> int:
        """How many are still connected."""
        return sum(not task.done() for task in self._tasks)

    async def close(self) -> None:
        """End those who are left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, start: bytes, drop: bytes, every_s: float) -> None:
        reader, writer = await asyncio.open_connection(HOST, self._port, local_addr=(FROM, 0))
        saying = asyncio.create_task(_say(writer, start, drop, every_s))
        try:
            with contextlib.suppress(OSError):
                while await reader.read(1 << 16):
                    pass
        finally:
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            writer.transport.abort()


async def run(settings: RigSettings) -> Figure:
    """One server on SQLite, the others' probe in a process of its own."""
    many = settings.trials(300, 20)
    seen = await attack(ServerHome(settings.folder), many)
    return Figure(
        rig=RIG.name,
        params={"idle": many, "half_heads": many, "slow_bodies": many // 6, **DEADLINES},
        counts={name: getattr(seen, name) for name in seen.__struct_fields__},
        ok=seen.ok,
        line=f"{seen.strangers:,} slow clients: p99 of others' /livez {seen.p99_s * 1000:.0f} ms "
        f"in {seen.answers:,} responses, {seen.sent:,} messages at that time, the server grows by "
        f"{seen.grown / (1 << 20):.0f} MiB, {seen.left} clients left after their deadlines",
    )


async def attack(home: ServerHome, many: int, *, sabotage: str = "") -> SlowClientsResult:
    """Let all of them come at once, and wait until their time is over."""
    seeded = await seed(home, 10)
    async with nodes(home, settings=DEADLINES, sabotage=sabotage) as (server,):
        strangers, size = ConnectionGroup(server.port), _bytes(server.pid)
        async with probing(server.port) as delays, _talking(server, seeded) as conversation:
            strangers.connect(many, b"")
            strangers.connect(many, _HEAD + b"X-Half: ")
            strangers.connect(many // 6, _HEAD + b"Content-Length: 900\r\n\r\n", b"{", 0.5)
            strangers.connect(1, _HEAD + b"X-Long: ", b"x" * (1 << 20))
            for path in (b"/cable", b"/v1/socket"):
                strangers.connect(2, _upgrade(path), _PING * 2000)
                strangers.connect(2, _upgrade(path), _TEXT + _NOTHING * 2000)
            until = time.monotonic() + max(DEADLINES.values()) + SLACK_S
            while time.monotonic() < until:
                conversation.grown = max(conversation.grown, _bytes(server.pid) - size)
                await asyncio.sleep(0.1)
            left = strangers.closed_count
        await strangers.close()
    ordered = sorted(delays)
    return SlowClientsResult(
        strangers=strangers.count,
        left=left,
        p99_s=round(ordered[len(ordered) * 99 // 100], 4) if ordered else float("inf"),
        answers=len(ordered),
        sent=conversation.sent,
        grown=conversation.grown,
    )


class LatencySample:
    """What others said meanwhile, and how much the process grew."""

    def __init__(self) -> None:
        self.sent = 0
        self.grown = 0


@contextlib.asynccontextmanager
async def _talking(server: Server, seeded: SeededTenant) -> AsyncIterator[LatencySample]:
    conversation, line = LatencySample(), Line(server.port)

    async def say() -> None:
        while True:
            path = f"/v1/conversations/{seeded.conversations[conversation.sent % 10].id}/messages"
            body = {"content": f"message {conversation.sent}"}
            reply = await line.ask(Request("POST", path, seeded.bearer("alice"), body))
            assert reply.status == 201, reply
            conversation.sent += 1
            await asyncio.sleep(0.02)

    saying = asyncio.create_task(say())
    try:
        yield conversation
    finally:
        assert not saying.done(), saying
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        line.close()


async def _say(writer: asyncio.StreamWriter, start: bytes, drop: bytes, every_s: float) -> None:
    """Say it for as long as the other end takes it: no more than a header of its size in all."""
    with contextlib.suppress(OSError):
        writer.write(start)
        await asyncio.sleep(0.2)  # a socket is let in before it says anything
        said = 0
        while drop and said < HEADER_MIB << 20:
            writer.write(drop)
            await writer.drain()
            said += len(drop)
            await asyncio.sleep(every_s)


def _upgrade(path: bytes) -> bytes:
    key = base64.b64encode(os.urandom(16))
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\nConnection: Upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key
        + b"\r\n\r\n"
    )  # fmt: skip


def _bytes(pid: int) -> int:
    """The memory that a process has now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


RIG = Rig(
    name="slow_clients",
    title="a header of 96 MiB, 300 idle connections and 300 with half a head, 50 slow bodies and "
    "floods of pings and empty fragments from one address, under normal load",
    goal="p99 of others' /livez ≤ 50 ms, memory grows ≤ 32 MiB, all closed by their deadlines",
    run=run,
)
