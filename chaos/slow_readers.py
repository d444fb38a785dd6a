"""Half of the streams stop reading while messages are sent; later they read again.

The rig measures the growth of the server's memory, which the queue limit of each stream bounds, and
how much later the other half receives messages. It counts connections that the server did not close
although nothing was read from them, and messages that a client missed after it reconnected.
"""

import asyncio
import time
from collections.abc import Mapping

from msgspec import Struct

from chaos.http_client import Connection, Request, get
from chaos.process_stats import memory_bytes, open_sockets
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.servers import Server, ServerHome, nodes
from chaos.stream_readers import Plan, Report, StreamReaders, stream_readers

READERS = 1_000
QUEUE_BYTES = 64 * 1024
OTHER_GROWTH_BYTES = 24 << 20
"""How much the memory may grow apart from the queues."""
LATER_S, LATER_RATIO = 0.1, 1.5
"""How much later, or how many times later, messages may be received (99th percentile)."""
RECONNECT_TIMEOUT_S = 60.0
RECEIVE_TIMEOUT_S = 60.0
CLOSE_WITHIN_S, FAULT_CLOSE_WITHIN_S = 5.0, 1.0
"""How long after its time a connection may stay open; shorter with a fault that leaves it open."""


class SlowReadersSize(Struct, frozen=True):
    """`messages` of `length` characters, one every `interval_s` seconds; a few fill the queue of a
    stream. A client that reads nothing for `write_seconds` is disconnected."""

    messages: int = 60
    length: int = 20_000
    interval_s: float = 0.25
    write_seconds: int = 3

    @property
    def max_bytes_per_reader(self) -> int:
        """What the server may keep for a client that does not read: its queue, the frames taken
        from it, each with one frame beyond the limit, and the buffer of the connection."""
        return 2 * (QUEUE_BYTES + self.length) + 64 * 1024


SHORT = SlowReadersSize(messages=10, length=60_000, interval_s=0.1, write_seconds=1)
"""For a test."""


class SlowReadersResult(Struct, frozen=True):
    """`not_closed` counts connections of slow readers that the server did not close; `p99_with_s`
    is the time from the send of a message until the other readers received it, while there were
    slow readers, and `p99_without_s` that before."""

    readers: int
    messages: int
    growth_bytes: int
    max_growth_bytes: int
    not_closed: int
    missed: int
    resets: int
    p99_without_s: float
    p99_with_s: float

    @property
    def unaffected(self) -> bool:
        """Whether the other readers received messages in time."""
        return self.p99_with_s <= max(
            LATER_RATIO * self.p99_without_s, self.p99_without_s + LATER_S
        )

    @property
    def ok(self) -> bool:
        """Memory bounded, slow readers disconnected, others unaffected, and nothing missed."""
        return (
            self.growth_bytes <= self.max_growth_bytes
            and self.unaffected
            and not (self.not_closed or self.missed or self.resets)
        )


async def run(settings: RigSettings) -> Figure:
    """Measure one server on SQLite, with the readers in a process of their own."""
    readers = settings.trials(READERS, 30)
    size = SHORT if settings.short else SlowReadersSize()
    result = await stop_reading(ServerHome(settings.folder), readers, size, settings)
    mib = 1 << 20
    return Figure(
        rig=RIG.name,
        params={
            "readers": readers,
            "queue_bytes": QUEUE_BYTES,
            "write_seconds": size.write_seconds,
        },
        counts={name: getattr(result, name) for name in result.__struct_fields__},
        ok=result.ok,
        line=f"{readers // 2:,} of {readers:,} stop reading: the server grows by "
        f"{result.growth_bytes / mib:.0f} MiB (bound: {result.max_growth_bytes / mib:.0f}), "
        f"{result.not_closed:,} connections not closed, p99 of the others "
        f"{result.p99_with_s * 1000:.0f} ms (before: {result.p99_without_s * 1000:.0f} ms), "
        f"{result.missed:,} events missed after all reconnected",
    )


async def stop_reading(
    home: ServerHome,
    readers: int,
    size: SlowReadersSize,
    settings: RigSettings,
    *,
    fault: str = "",
) -> SlowReadersResult:
    """Send while all read, send as much while half do not, then let these reconnect."""
    tenant, slow_count = await seed(home, 10), readers // 2
    overrides = {"stream_queue_bytes": QUEUE_BYTES, "stream_write_seconds": size.write_seconds}
    async with (
        nodes(home, settings=overrides, fault=fault) as (server,),
        stream_readers(await _plan(server, tenant, readers)) as clients,
    ):
        settings.log(f"all follow after {await clients.all_reconnected(RECONNECT_TIMEOUT_S):.1f} s")
        memory_before, sockets_before = memory_bytes(server.pid), open_sockets(server.pid)
        sender = TimedSender(server, tenant, size)
        before = await sender.send("before")
        without = await _report_when_received(clients, before, RECEIVE_TIMEOUT_S)
        await clients.stop_reading()
        during = await sender.send("during")
        within = size.write_seconds + (FAULT_CLOSE_WITHIN_S if fault else CLOSE_WITHIN_S)
        not_closed = await _wait_until_closed(server, sockets_before - slow_count, within)
        affected = await clients.report(during)
        await clients.resume_reading()
        report = await _report_when_received(
            clients, before | during, 0 if fault else RECEIVE_TIMEOUT_S
        )
    return SlowReadersResult(
        readers=readers,
        messages=2 * size.messages,
        growth_bytes=max(0, sender.max_memory_bytes - memory_before),
        max_growth_bytes=slow_count * size.max_bytes_per_reader + OTHER_GROWTH_BYTES,
        not_closed=not_closed,
        missed=report.missed,
        resets=report.resets,
        p99_without_s=_p99(without.delays_s),
        p99_with_s=_p99(affected.delays_s),
    )


class TimedSender:
    """Sends messages and records the times; `max_memory_bytes` is the server's peak memory."""

    def __init__(self, server: Server, tenant: SeededTenant, size: SlowReadersSize) -> None:
        self._server = server
        self._tenant = tenant
        self._size = size
        self.max_memory_bytes = 0

    async def send(self, name: str) -> dict[str, float]:
        """Send all messages; return when each was sent (monotonic seconds)."""
        connection, sent = Connection(self._server.port), {}
        for n in range(self._size.messages):
            key = f"{name}-{n:07d}"
            sent[key] = time.monotonic()
            response = await connection.send(self._message(key, n))
            assert response.status == 201, response
            self.max_memory_bytes = max(self.max_memory_bytes, memory_bytes(self._server.pid))
            await asyncio.sleep(self._size.interval_s)
        connection.close()
        return sent

    def _message(self, key: str, n: int) -> Request:
        conversation = self._tenant.conversations[n % len(self._tenant.conversations)]
        path = f"/v1/conversations/{conversation.id}/messages"
        body = {"content": f"{key} {'x' * self._size.length}"}
        return Request("POST", path, self._tenant.bearer("alice"), body)


async def _plan(server: Server, tenant: SeededTenant, readers: int) -> Plan:
    response = await get(server.port, "/v1/events/cursor", tenant.bearer("ada"))
    cursor = response.json()["cursor"]
    return Plan(port=server.port, tenant=tenant, count=readers, slow=readers // 2, cursor=cursor)


async def _report_when_received(
    clients: StreamReaders, sent: Mapping[str, float], within: float
) -> Report:
    """What the clients received, once that is everything or the time is over."""
    until = time.monotonic() + within
    report = await clients.report(sent)
    while report.missed and time.monotonic() < until:
        await asyncio.sleep(0.2)
        report = await clients.report(sent)
    return report


async def _wait_until_closed(server: Server, other_sockets: int, within: float) -> int:
    """How many sockets the server has apart from `other_sockets`, once there are none or the time
    is over."""
    until = time.monotonic() + within
    while True:
        not_closed = max(0, open_sockets(server.pid) - other_sockets)
        if not not_closed or time.monotonic() > until:
            return not_closed
        await asyncio.sleep(0.05)


def _p99(delays_s: list[float]) -> float:
    """The 99th percentile; infinite when nothing was received."""
    ordered = sorted(delays_s)
    return round(ordered[len(ordered) * 99 // 100], 3) if ordered else float("inf")


RIG = Rig(
    name="slow_readers",
    title="500 of 1,000 streams and sockets stop reading, and reconnect later",
    goal="memory bounded as configured, others unaffected, all resume with 0 gaps",
    run=run,
)
