"""The bus between two nodes killed and paused, again and again, while messages
are sent through both."""

import asyncio
import os
import random
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
from msgspec import Struct

from chaos.http_client import Line
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Sends
from chaos.servers import ServerHome, nodes
from chaos.timed_follower import TimedFollower
from tests.support.nats import NatsCluster
from tests.support.postgres import running_postgres

Harm = Literal["kill", "pause"]
FAILURES = 50
MAX_DELAY_S = 2.0
"""From the answer to the sender until a reader on the other node is told: poll (1 s) and one."""
LASTS_S = (0.5, 6.0)
"""How long the bus stays as it was left, in seconds: from and to."""
_TALKS = 20
_PAUSE_S = 0.02
_SETTLES_S = 4.0
_BUS_PIDS = """
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'koine-bus' AND state = 'idle' AND datname = current_database()
"""


class FaultyBus(ABC):
    """A bus between nodes that the rig damages and repairs."""

    name = ""
    settings: dict[str, object]

    @abstractmethod
    async def fail(self, how: Harm, dice: random.Random) -> None:
        """Kill or pause a part of it, or all."""

    @abstractmethod
    async def recover(self) -> None:
        """Start again what was killed, resume what was paused."""


class FaultyNats(FaultyBus):
    """Three servers; of them one, two or all are hit."""

    name = "nats"

    def __init__(self, cluster: NatsCluster) -> None:
        self.settings = {"nats_url": cluster.url}
        self._cluster = cluster
        self._killed: list[int] = []
        self._paused: list[int] = []

    async def fail(self, how: Harm, dice: random.Random) -> None:
        """Kill or pause one, two or three servers, all of them half of the time."""
        hit = dice.sample(range(3), dice.choice((1, 2, 3, 3)))
        act = self._cluster.kill if how == "kill" else self._cluster.pause
        (self._killed if how == "kill" else self._paused).extend(hit)
        for number in hit:
            act(number)

    async def recover(self) -> None:
        """Start and resume what was hit."""
        while self._killed:
            self._cluster.start_one(self._killed.pop())
        while self._paused:
            self._cluster.resume(self._paused.pop())


class FaultyNotify(FaultyBus):
    """Each node's own connection to the database; the other connections are left alone."""

    name = "database"

    def __init__(self, url: str) -> None:
        self.settings = {}
        self._url = url
        self._paused: list[int] = []

    async def fail(self, how: Harm, dice: random.Random) -> None:
        """Cut the connections, or let their backends hang while they hold no lock."""
        connection = await asyncpg.connect(self._url)
        try:
            pids = [row["pid"] for row in await connection.fetch(_BUS_PIDS)]
            if how == "kill":
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
        """Let the backends go on; the nodes have long connected anew."""
        while self._paused:
            try:
                os.kill(self._paused.pop(), signal.SIGCONT)
            except ProcessLookupError:
                pass


class BusResult(Struct, frozen=True):
    """What two readers, one on each node, were told of what was acknowledged meanwhile. `worst_s`
    is the longest from an answer to a sender on one node until the reader on the other was told."""

    bus: str
    blows: int
    acknowledged: int
    lost: int
    doubled: int
    worst_s: float

    @property
    def ok(self) -> bool:
        """Nothing lost or doubled, nothing later than polling makes it."""
        return not self.lost and not self.doubled and self.worst_s <= MAX_DELAY_S


async def run(settings: RigSettings) -> Figure:
    """Harm NATS, then the connections for notifications."""
    blows, dice = settings.trials(FAILURES, 3), settings.random()
    with running_postgres() as postgres:
        with NatsCluster(3).start() as cluster:
            home = ServerHome(settings.folder / "nats", postgres.new_database())
            done = [await fail_repeatedly(home, FaultyNats(cluster), blows, dice)]
        settings.say(f"{done[0]}")
        home = ServerHome(settings.folder / "database", postgres.new_database())
        done.append(await fail_repeatedly(home, FaultyNotify(home.database_url), blows, dice))
    return Figure(
        rig=RIG.name,
        params={"blows": blows},
        counts={f"{each.bus}_{name}": value for each in done for name, value in _counts(each)},
        ok=all(each.ok for each in done),
        line="; ".join(
            f"{each.bus}: {each.blows:,} blows, {each.acknowledged:,} messages, "
            f"{each.lost:,} lost, "
            f"{each.doubled:,} doubled, at most {each.worst_s:.2f} s late"
            for each in done
        ),
    )


async def fail_repeatedly(
    home: ServerHome,
    bus: FaultyBus,
    blows: int,
    dice: random.Random,
    *,
    lasts_s: tuple[float, float] = LASTS_S,
    sabotage: str = "",
) -> BusResult:
    """Harm the bus between two nodes `blows` times, while messages go through both."""
    seeded = await seed(home, _TALKS)
    async with nodes(home, 2, settings=bus.settings, sabotage=sabotage) as pair:
        ports = [node.port for node in pair]
        readers = [TimedFollower(port, seeded) for port in ports]
        speakers = [
            MessageSender(port, Sends(seeded, dice, name=f"node{n}"))
            for n, port in enumerate(ports)
        ]
        for reader in readers:
            await reader.start()
        for n in range(blows):
            async with speakers[n // 2 % 2].talking():
                await bus.fail("kill" if n % 2 else "pause", dice)
                await asyncio.sleep(dice.uniform(*lasts_s))
                await bus.recover()
                await asyncio.sleep(dice.uniform(*lasts_s) / 4)
        await _settled(speakers, readers)
        for reader in readers:
            await reader.end()
    return _compared(bus.name, blows, speakers, readers)


class MessageSender:
    """Sends messages through one node. Only one node sends at a time: a node that commits reads the
    log by itself. `acknowledged` has the time of each acknowledgement (monotonic seconds)."""

    def __init__(self, port: int, sends: Sends) -> None:
        self._port = port
        self._sends = sends
        self.acknowledged: dict[str, float] = {}

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Send on while the context lasts; raises what it broke off with."""
        task = asyncio.create_task(self._talk())
        try:
            yield
        finally:
            task.cancel()
            (how,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(how, Exception):
            raise how

    async def _talk(self) -> None:
        line = Line(self._port)
        while True:
            send = self._sends.new("native")
            reply = await line.ask(send.request)
            if reply.status not in (200, 201):
                raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
            self.acknowledged[send.key] = time.monotonic()
            await asyncio.sleep(_PAUSE_S)


async def _settled(speakers: list[MessageSender], readers: list[TimedFollower]) -> None:
    """Until both readers were told all, or there is no hope any more."""
    everything = {key for speaker in speakers for key in speaker.acknowledged}
    until = time.monotonic() + _SETTLES_S
    while any(everything - reader.came.keys() for reader in readers):
        if time.monotonic() > until:
            return
        await asyncio.sleep(0.05)


def _compared(
    name: str, blows: int, speakers: list[MessageSender], readers: list[TimedFollower]
) -> BusResult:
    everything = {key: at for speaker in speakers for key, at in speaker.acknowledged.items()}
    return BusResult(
        bus=name,
        blows=blows,
        acknowledged=len(everything),
        lost=sum(key not in reader.came for reader in readers for key in everything),
        doubled=sum(reader.duplicates for reader in readers),
        worst_s=max(
            reader.came[key] - at
            for reader in readers
            for key, at in everything.items()
            if key in reader.came
        ),
    )


def _counts(heard: BusResult) -> list[tuple[str, int | float]]:
    return [
        ("blows", heard.blows),
        ("acknowledged", heard.acknowledged),
        ("lost", heard.lost),
        ("doubled", heard.doubled),
        ("worst_s", round(heard.worst_s, 2)),
    ]


RIG = Rig(
    name="bus",
    title="the bus between two nodes killed and paused under load: NATS, then notifications",
    goal="0 events lost or doubled; on the other node at most 2 s after the acknowledgement",
    run=run,
)
