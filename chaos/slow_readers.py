"""Half of the live readers stop reading; what it costs the server, and the other half."""

import asyncio
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from chaos.http_client import Line, Request, get
from chaos.load_clients import LoadClients, Plan, Report, load_clients
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.servers import Server, ServerHome, nodes

READERS = 1_000
QUEUE_BYTES = 64 * 1024
SLACK_BYTES = 24 << 20
"""What a server of any number of readers may take more, meanwhile."""
LATER_S, TIMES = 0.1, 1.5
"""How much later, or by how many times, the 99th percentile may be."""
BACK_WITHIN = 60.0
SETTLES_S = 60.0


class SlowReadersSize(Struct, frozen=True):
    """`messages` of `length` characters, one every `every_s` seconds; a few fill a reader's queue.
    A reader that reads nothing for `write_seconds` is disconnected."""

    messages: int = 60
    length: int = 20_000
    every_s: float = 0.25
    write_seconds: int = 3

    @property
    def kept_bytes(self) -> int:
        """What the process may keep for one who does not read: the queue and what was taken from
        it, each with a frame that was too much, and what the connection holds."""
        return 2 * (QUEUE_BYTES + self.length) + 64 * 1024


BRIEFLY = SlowReadersSize(messages=10, length=60_000, every_s=0.1, write_seconds=1)
"""For a test."""


class SlowReadersResult(Struct, frozen=True):
    """What was seen. `grown` is the most that the process grew, `bound` what it may, in bytes;
    `stuck` counts connections of slow readers that were not let go; `p99_with_s` is from sending a
    message to the other readers, with the slow ones among them, `p99_without_s` before."""

    readers: int
    messages: int
    grown: int
    bound: int
    stuck: int
    missed: int
    resets: int
    p99_without_s: float
    p99_with_s: float

    @property
    def unaffected(self) -> bool:
        """Whether the other readers felt nothing."""
        return self.p99_with_s <= max(TIMES * self.p99_without_s, self.p99_without_s + LATER_S)

    @property
    def ok(self) -> bool:
        """Bounded, let go, unaffected, and nothing missed by anyone."""
        return (
            self.grown <= self.bound
            and self.unaffected
            and not (self.stuck or self.missed or self.resets)
        )


async def run(settings: RigSettings) -> Figure:
    """One server on SQLite, the readers in a process of their own."""
    readers = settings.trials(READERS, 60)
    pace = BRIEFLY if settings.short else SlowReadersSize()
    done = await slow(ServerHome(settings.folder), readers, pace, settings)
    mib = 1 << 20
    return Figure(
        rig=RIG.name,
        params={
            "readers": readers,
            "queue_bytes": QUEUE_BYTES,
            "write_seconds": pace.write_seconds,
        },
        counts={name: getattr(done, name) for name in done.__struct_fields__},
        ok=done.ok,
        line=f"{readers // 2:,} of {readers:,} stop reading: the server grows by "
        f"{done.grown / mib:.0f} MiB (bound: {done.bound / mib:.0f}), {done.stuck:,} "
        f"connections not closed, p99 of the others {done.p99_with_s * 1000:.0f} ms (before: "
        f"{done.p99_without_s * 1000:.0f} ms), {done.missed:,} events missed after all reconnected",
    )


async def slow(
    home: ServerHome,
    readers: int,
    pace: SlowReadersSize,
    settings: RigSettings,
    *,
    sabotage: str = "",
) -> SlowReadersResult:
    """Send while all read; send as much while half do not; then let these reconnect."""
    seeded, deaf = await seed(home, 10), readers // 2
    given = {"stream_queue_bytes": QUEUE_BYTES, "stream_write_seconds": pace.write_seconds}
    async with (
        nodes(home, settings=given, sabotage=sabotage) as (server,),
        load_clients(await _plan(server, seeded, readers)) as many,
    ):
        settings.say(f"all follow after {await many.all_reconnected(BACK_WITHIN):.1f} s")
        size, connected = _bytes(server.pid), _sockets(server.pid)
        conversation = TimedSender(server, seeded, pace)
        before = await conversation.send("before")
        without = await _settled(many, before, SETTLES_S)
        await many.stop_reading()
        during = await conversation.send("during")
        await asyncio.sleep(pace.write_seconds + 1)
        stuck = _sockets(server.pid) - (connected - deaf)
        affected = await many.report(during)
        await many.resume_reading()
        heard = await _settled(many, before | during, 0 if sabotage else SETTLES_S)
    return SlowReadersResult(
        readers=readers,
        messages=2 * pace.messages,
        grown=max(0, conversation.largest - size),
        bound=deaf * pace.kept_bytes + SLACK_BYTES,
        stuck=max(0, stuck),
        missed=heard.missed,
        resets=heard.resets,
        p99_without_s=_p99(without.delays_s),
        p99_with_s=_p99(affected.delays_s),
    )


class TimedSender:
    """Sends and times messages; `largest` is the peak memory of the server meanwhile, in bytes."""

    def __init__(self, server: Server, seeded: SeededTenant, pace: SlowReadersSize) -> None:
        self._server = server
        self._seeded = seeded
        self._pace = pace
        self.largest = 0

    async def send(self, name: str) -> dict[str, float]:
        """Say all there is; answers when each message was sent (monotonic seconds)."""
        line, sent = Line(self._server.port), {}
        for n in range(self._pace.messages):
            word = f"{name}-{n:07d}"
            sent[word] = time.monotonic()
            reply = await line.ask(self._message(word, n))
            assert reply.status == 201, reply
            self.largest = max(self.largest, _bytes(self._server.pid))
            await asyncio.sleep(self._pace.every_s)
        line.close()
        return sent

    def _message(self, word: str, n: int) -> Request:
        conversation = self._seeded.conversations[n % len(self._seeded.conversations)]
        path = f"/v1/conversations/{conversation.id}/messages"
        body = {"content": f"{word} {'x' * self._pace.length}"}
        return Request("POST", path, self._seeded.bearer("alice"), body)


async def _plan(server: Server, seeded: SeededTenant, readers: int) -> Plan:
    answer = await get(server.port, "/v1/events/cursor", seeded.bearer("ada"))
    start = answer.json()["cursor"]
    return Plan(port=server.port, seeded=seeded, count=readers, slow=readers // 2, cursor=start)


async def _settled(many: LoadClients, sent: Mapping[str, float], within: float) -> Report:
    """What was told, when all was told or there is no hope any more."""
    until = time.monotonic() + within
    heard = await many.report(sent)
    while heard.missed and time.monotonic() < until:
        await asyncio.sleep(0.2)
        heard = await many.report(sent)
    return heard


def _bytes(pid: int) -> int:
    """The memory that a process has now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _sockets(pid: int) -> int:
    """How many sockets a process has open."""
    opened = Path(f"/proc/{pid}/fd").iterdir()
    return sum(os.readlink(each).startswith("socket:") for each in opened)


def _p99(delays_s: list[float]) -> float:
    """The 99th percentile; infinite when nothing was told."""
    ordered = sorted(delays_s)
    return round(ordered[len(ordered) * 99 // 100], 3) if ordered else float("inf")


RIG = Rig(
    name="slow_readers",
    title="500 of 1,000 streams and sockets stop reading, and reconnect later",
    goal="memory bounded as configured, others unaffected, all resume with 0 gaps",
    run=run,
)
