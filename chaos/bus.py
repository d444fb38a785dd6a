"""Kill and pause the bus between two nodes, while messages are sent through one of them in turn.

The bus is NATS, a cluster of three servers, or PostgreSQL's LISTEN and NOTIFY. It carries only
hints that the log advanced, so its loss must cost nothing but time: a node polls the log once a
second. The rig counts messages that a stream of either node did not receive (lost) or received
twice, and measures the longest time from the response to the sender until a stream received the
message.
"""

import asyncio
import os
import random
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing, suppress
from typing import Literal

import asyncpg
from msgspec import Struct

from chaos.http_client import Connection
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Sends
from chaos.servers import ServerHome, nodes
from chaos.stream_client import StreamClient
from chaos.stream_parsers import UnexpectedStatus
from chaos.stream_protocols import PROTOCOLS
from tests.support.nats import NatsCluster

FailureKind = Literal["kill", "pause"]
FAILURES = 50
MAX_DELAY_S = 2.0
"""From the response to the sender until a stream receives it: the poll (1 s), and 1 s more."""
FAILURE_S, SHORT_FAILURE_S = (0.5, 6.0), (0.5, 1.5)
"""How long the bus stays killed or paused, in seconds: from and to."""
RECEIVE_TIMEOUT_S, FAULT_TIMEOUT_S = 4.0, 2.0
"""How long to wait for messages not received yet; shorter with a fault that delays them."""
_CONVERSATIONS = 20
_SEND_INTERVAL_S = 0.02
_RECONNECT_AFTER_S = 0.05
_START_TIMEOUT_S = 30.0
_BUS_PIDS = """
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'koine-bus' AND state = 'idle' AND datname = current_database()
"""


class FaultyBus(ABC):
    """A bus between nodes that the rig damages and repairs."""

    name = ""
    settings: dict[str, object]

    @abstractmethod
    async def fail(self, kind: FailureKind, rng: random.Random) -> None:
        """Kill or pause a part of it, or all."""

    @abstractmethod
    async def recover(self) -> None:
        """Start again what was killed, resume what was paused."""


class FaultyNats(FaultyBus):
    """A cluster of three NATS servers, of which one, two or all fail."""

    name = "nats"

    def __init__(self, cluster: NatsCluster) -> None:
        self.settings = {"nats_url": cluster.url}
        self._cluster = cluster
        self._killed: list[int] = []
        self._paused: list[int] = []

    async def fail(self, kind: FailureKind, rng: random.Random) -> None:
        """Kill or pause one, two or three servers; half of the time all of them."""
        chosen = rng.sample(range(3), rng.choice((1, 2, 3, 3)))
        damage = self._cluster.kill if kind == "kill" else self._cluster.pause
        (self._killed if kind == "kill" else self._paused).extend(chosen)
        for number in chosen:
            damage(number)

    async def recover(self) -> None:
        """Start the killed servers, resume the paused ones."""
        while self._killed:
            self._cluster.start_one(self._killed.pop())
        while self._paused:
            self._cluster.resume(self._paused.pop())


class FaultyNotify(FaultyBus):
    """PostgreSQL's LISTEN and NOTIFY: only the connection of each node for the bus fails."""

    name = "database"

    def __init__(self, url: str) -> None:
        self.settings = {}
        self._url = url
        self._paused: list[int] = []

    async def fail(self, kind: FailureKind, rng: random.Random) -> None:
        """Terminate the backends of these connections, or pause those that hold no lock: a paused
        backend with a lock would stop the whole database."""
        connection = await asyncpg.connect(self._url)
        try:
            pids = [row["pid"] for row in await connection.fetch(_BUS_PIDS)]
            if kind == "kill":
                await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", pids
                )
                return
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
                self._paused.append(pid)
            idle = {row["pid"] for row in await connection.fetch(_BUS_PIDS)}
            for pid in set(pids) - idle:
                self._paused.remove(pid)
                os.kill(pid, signal.SIGCONT)
        finally:
            await connection.close()

    async def recover(self) -> None:
        """Resume the backends. The nodes have reconnected long ago."""
        while self._paused:
            try:
                os.kill(self._paused.pop(), signal.SIGCONT)
            except ProcessLookupError:
                pass


class BusResult(Struct, frozen=True):
    """What two streams, one of each node, received. `acknowledged` counts messages; `worst_s` is
    the longest time from the response to a sender until one of the streams received the message."""

    bus: str
    failures: int
    acknowledged: int
    lost: int
    doubled: int
    worst_s: float

    @property
    def ok(self) -> bool:
        """Nothing lost or doubled, and nothing later than polling explains."""
        return not self.lost and not self.doubled and self.worst_s <= MAX_DELAY_S


async def run(settings: RigSettings) -> Figure:
    """Let NATS fail, then the connections for notifications."""
    failures, rng = settings.trials(FAILURES, 2), settings.random()
    failure_s = settings.pick(FAILURE_S, SHORT_FAILURE_S)
    with settings.databases() as new_database:
        with NatsCluster(3).start() as cluster:
            home = ServerHome(settings.folder / "nats", new_database())
            bus: FaultyBus = FaultyNats(cluster)
            done = [await fail_repeatedly(home, bus, failures, rng, failure_s=failure_s)]
        settings.log(f"{done[0]}")
        home = ServerHome(settings.folder / "database", new_database())
        bus = FaultyNotify(home.database_url)
        done.append(await fail_repeatedly(home, bus, failures, rng, failure_s=failure_s))
    return Figure(
        rig=RIG.name,
        params={"failures": failures},
        counts={f"{each.bus}_{name}": value for each in done for name, value in _counts(each)},
        ok=all(each.ok for each in done),
        line="; ".join(
            f"{each.bus}: {each.failures:,} failures, {each.acknowledged:,} messages, "
            f"{each.lost:,} lost, "
            f"{each.doubled:,} doubled, at most {each.worst_s:.2f} s late"
            for each in done
        ),
    )


async def fail_repeatedly(
    home: ServerHome,
    bus: FaultyBus,
    failures: int,
    rng: random.Random,
    *,
    failure_s: tuple[float, float] = FAILURE_S,
    fault: str = "",
) -> BusResult:
    """Let the bus between two nodes fail `failures` times, while messages are sent."""
    tenant = await seed(home, _CONVERSATIONS)
    async with nodes(home, 2, settings=bus.settings, fault=fault) as both_nodes:
        ports = [node.port for node in both_nodes]
        readers = {port: StreamClient(PROTOCOLS["native"], tenant, cursor="") for port in ports}
        senders = [
            MessageSender(port, Sends(tenant, rng, name=f"node{n}")) for n, port in enumerate(ports)
        ]
        async with _following(readers):
            for n in range(failures):
                sender = senders[n // 2 % 2]
                async with sender.sending():
                    await bus.fail("kill" if n % 2 else "pause", rng)
                    await asyncio.sleep(rng.uniform(*failure_s))
                    await bus.recover()
                    await asyncio.sleep(rng.uniform(*failure_s) / 4)
                    await sender.has_sent()
            await _wait_until_received(
                senders, readers.values(), FAULT_TIMEOUT_S if fault else RECEIVE_TIMEOUT_S
            )
    return _result(bus.name, failures, senders, readers.values())


class MessageSender:
    """Sends messages through one node. Only one node sends at a time, because a node that commits
    reads the log without a hint. `acknowledged` has the time of each response (monotonic
    seconds)."""

    def __init__(self, port: int, sends: Sends) -> None:
        self._port = port
        self._sends = sends
        self.acknowledged: dict[str, float] = {}
        self._sent = asyncio.Event()

    async def has_sent(self) -> None:
        """Wait until a message has been acknowledged: on a busy machine that takes longer than a
        short failure. Raises TimeoutError."""
        async with asyncio.timeout(_START_TIMEOUT_S):
            await self._sent.wait()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send until the end of the context; raises the exception that ended it earlier, if any."""
        task = asyncio.create_task(self._send())
        try:
            yield
        finally:
            task.cancel()
            (error,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(error, Exception):
            raise error

    async def _send(self) -> None:
        with closing(Connection(self._port)) as connection:
            while True:
                send = self._sends.new("native")
                response = await connection.send(send.request)
                if response.status not in (200, 201):
                    raise RuntimeError(f"{response.status} {response.body[:500]!r}")
                self.acknowledged[send.key] = time.monotonic()
                self._sent.set()
                await asyncio.sleep(_SEND_INTERVAL_S)


@asynccontextmanager
async def _following(readers: dict[int, StreamClient]) -> AsyncIterator[None]:
    """Follow the stream of each node (by its port), once all have begun. Raises TimeoutError,
    and the exception that ended a reader, if one did."""
    tasks = [asyncio.create_task(_follow(reader, port)) for port, reader in readers.items()]
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            for reader in readers.values():
                await reader.ready.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ends:
        if isinstance(error, Exception):
            raise error


async def _follow(reader: StreamClient, port: int) -> None:
    """Follow, and reconnect with the cursor whenever the connection ends."""
    while True:
        with suppress(OSError, UnexpectedStatus, TimeoutError):
            await reader.follow(port)
        await asyncio.sleep(_RECONNECT_AFTER_S)


async def _wait_until_received(
    senders: list[MessageSender], readers: Collection[StreamClient], timeout_s: float
) -> None:
    """Wait until both streams have received everything, or until the time is over."""
    acknowledged = {key for sender in senders for key in sender.acknowledged}
    until = time.monotonic() + timeout_s
    while any(acknowledged - reader.received_at.keys() for reader in readers):
        if time.monotonic() > until:
            return
        await asyncio.sleep(0.05)


def _result(
    name: str, failures: int, senders: list[MessageSender], readers: Collection[StreamClient]
) -> BusResult:
    acknowledged = {key: at for sender in senders for key, at in sender.acknowledged.items()}
    return BusResult(
        bus=name,
        failures=failures,
        acknowledged=len(acknowledged),
        lost=sum(key not in reader.received_at for reader in readers for key in acknowledged),
        doubled=sum(count > 1 for reader in readers for count in reader.counts_by_id.values()),
        worst_s=max(
            reader.received_at[key] - at
            for reader in readers
            for key, at in acknowledged.items()
            if key in reader.received_at
        ),
    )


def _counts(result: BusResult) -> list[tuple[str, int | float]]:
    return [
        ("failures", result.failures),
        ("acknowledged", result.acknowledged),
        ("lost", result.lost),
        ("doubled", result.doubled),
        ("worst_s", round(result.worst_s, 2)),
    ]


RIG = Rig(
    name="bus",
    title="the bus between two nodes killed and paused under load: NATS, then notifications",
    goal="0 events lost or doubled; on the other node at most 2 s after the acknowledgement",
    run=run,
)
