"""Streams cut anywhere and nodes killed, while messages go through every node."""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence

from msgspec import Struct

from chaos.clients import MANNERS
from chaos.consistency_check import ConsistencyCheck
from chaos.follower import Disconnects, StreamFollower, UnexpectedStatus
from chaos.http_client import get
from chaos.retrying_clients import Load
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, unstarted
from tests.support.postgres import running_postgres

RECONNECTS = 20_000
FOLLOWERS = 60
CONVERSATIONS = 100
SQLITE_SHARE = 10
"""One in so many of the reconnects is to the one node on SQLite."""
SEND_INTERVAL_S = 0.15
DISCONNECTS = (0.05, 1.2)
"""After how many seconds a follower leaves, if not in the middle of some byte before."""
BYTES = (300, 20_000)
LIVES_S = (1.0, 6.0)
DOWN_S = (0.0, 0.5)
RECONNECT_AFTER_S = 0.02
SETTLES_S, PLANTED_S = 30.0, 2.0
"""How long to wait for what was not told yet; less where something is to be missing."""
QUIET_S = 0.5


class StreamsResult(Struct, frozen=True):
    """What all followers together were told. `missed` sums over them what others of the same
    manner were told, or senders, and they were not; `doubled` the messages told under two ids;
    `repeated` the events told again under the same id; `kills` counts those of nodes."""

    database: str
    reconnects: int
    kills: int
    acknowledged: int
    told: int
    missed: int
    doubled: int
    repeated: int
    resets: int

    @property
    def ok(self) -> bool:
        """Nothing missed, nothing double, no cursor that was worth nothing."""
        return not (self.missed or self.doubled or self.resets)

    def __str__(self) -> str:
        return (
            f"{self.database}: {self.reconnects:,} reconnects, {self.kills:,} kills, "
            f"{self.told:,} events received, {self.missed:,} missed, {self.doubled:,} doubled"
        )


async def run(settings: RigSettings) -> Figure:
    """Two nodes on PostgreSQL, then one on SQLite."""
    reconnects, dice = settings.trials(RECONNECTS, 300), settings.random()
    fewer = reconnects // SQLITE_SHARE
    with running_postgres() as cluster:
        home = ServerHome(settings.folder / "postgres", cluster.new_database())
        done = [await cut(home, 2, reconnects - fewer, dice)]
    settings.say(f"{done[0]}")
    done.append(await cut(ServerHome(settings.folder / "sqlite"), 1, fewer, dice))
    return Figure(
        rig=RIG.name,
        params={"reconnects": reconnects, "followers": FOLLOWERS},
        counts={
            f"{each.database}_{name}": getattr(each, name)
            for each in done
            for name in each.__struct_fields__
            if name != "database"
        },
        ok=all(each.ok for each in done),
        line="; ".join(str(each) for each in done),
    )


async def cut(
    home: ServerHome,
    nodes: int,
    reconnects: int,
    dice: random.Random,
    *,
    followers: int = FOLLOWERS,
    conversations: int = CONVERSATIONS,
    forgets: bool = False,
    sabotage: str = "",
) -> StreamsResult:
    """Have followers of `nodes` nodes come back so often together, and compare what they were told.
    Planted bugs: a follower that `forgets` its cursor, a server with a fault."""
    seeded, ledger = await seed(home, conversations), ConsistencyCheck()
    with unstarted(home, nodes, sabotage=sabotage) as servers:
        for server in servers:
            server.start()
            await server.wait_ready()
        crowd = await Followers.create(servers, seeded, dice, followers, forgets)
        loads = [
            Load(
                server.port, Sends(seeded, dice, name=f"node{n}", keys="own"), ledger, 2,
                pause_s=SEND_INTERVAL_S,
            )
            for n, server in enumerate(servers)
        ]  # fmt: skip
        for load in loads:
            load.start()
        kills = await _kill_until(crowd.reconnect(reconnects), servers, dice)
        for load in loads:
            await load.finish()
        await crowd.settle(ledger.told, PLANTED_S if forgets or sabotage else SETTLES_S)
    return crowd.compared(home.database, kills, ledger.told)


class Followers:
    """The followers, of every manner in turn."""

    def __init__(
        self,
        servers: Sequence[Server],
        tails: list[StreamFollower],
        dice: random.Random,
        forgets: bool,
    ) -> None:
        self._servers = servers
        self._tails = tails
        self._dice = dice
        self._forgets = forgets
        self._wanted = 0
        self._came = 0

    @classmethod
    async def create(
        cls,
        servers: Sequence[Server],
        seeded: SeededTenant,
        dice: random.Random,
        count: int,
        forgets: bool,
    ) -> "Followers":
        """All begin at one cursor, before anything is said."""
        answer = await get(servers[0].port, "/v1/events/cursor", seeded.bearer("ada"))
        start, manners = answer.json()["cursor"], list(MANNERS.values())
        tails = [StreamFollower(manners[n % len(manners)], seeded, start) for n in range(count)]
        return cls(servers, tails, dice, forgets)

    async def reconnect(self, reconnects: int) -> None:
        """Follow, leave and come back until all together have done so often."""
        self._wanted = reconnects + len(self._tails)
        await asyncio.gather(*(self._restless(tail) for tail in self._tails))

    async def _restless(self, tail: StreamFollower) -> None:
        while self._came < self._wanted:
            leaves = Disconnects(
                seconds=self._dice.uniform(*DISCONNECTS),
                bytes=self._dice.uniform(*BYTES) if self._dice.random() < 0.5 else float("inf"),
            )
            if self._forgets:
                tail.cursor = ""
            if await _follow(tail, self._dice.choice(self._servers).port, leaves):
                self._came += 1

    async def settle(self, acknowledged: dict[str, tuple[str, str]], settles_s: float) -> None:
        """Follow without a break until everybody was told all, or there is no hope any more."""
        following = [asyncio.create_task(self._patient(tail)) for tail in self._tails]
        until = time.monotonic() + settles_s
        while any(acknowledged.keys() - tail.words.keys() for tail in self._tails):
            if time.monotonic() > until:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(QUIET_S)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)

    async def _patient(self, tail: StreamFollower) -> None:
        while True:
            await _follow(tail, self._dice.choice(self._servers).port, Disconnects())

    def compared(
        self, database: str, kills: int, acknowledged: dict[str, tuple[str, str]]
    ) -> StreamsResult:
        """What each was told against what the others of its manner were, and the senders."""
        everything: dict[str, set[bytes]] = {}
        for tail in self._tails:
            everything.setdefault(tail.manner.name, set()).update(tail.ids)
        silent = sum(len(acknowledged.keys() - tail.words.keys()) for tail in self._tails)
        less = sum(len(everything[tail.manner.name] - tail.ids.keys()) for tail in self._tails)
        return StreamsResult(
            database=database,
            reconnects=self._came - len(self._tails),
            kills=kills,
            acknowledged=len(acknowledged),
            told=sum(len(tail.ids) for tail in self._tails),
            missed=max(silent, less),
            doubled=sum(len(ids) > 1 for tail in self._tails for ids in tail.words.values()),
            repeated=sum(tail.ids.total() - len(tail.ids) for tail in self._tails),
            resets=sum(tail.resets for tail in self._tails),
        )


async def _follow(tail: StreamFollower, port: int, leaves: Disconnects) -> bool:
    """Follow once; whether the node let us in."""
    try:
        await tail.follow(port, leaves)
    except ConnectionRefusedError:
        await asyncio.sleep(RECONNECT_AFTER_S)
        return False
    except (OSError, UnexpectedStatus, TimeoutError):
        await asyncio.sleep(RECONNECT_AFTER_S)
    return True


async def _kill_until(
    work: Coroutine[object, object, None], servers: Sequence[Server], dice: random.Random
) -> int:
    """Kill a node now and then while the work is done; all are ready when it is."""
    task, kills = asyncio.create_task(work), 0
    while not task.done():
        await asyncio.wait({task}, timeout=dice.uniform(*LIVES_S))
        server = dice.choice(list(servers))
        server.kill()
        kills += 1
        await asyncio.sleep(dice.uniform(*DOWN_S))
        server.start()
        await server.wait_ready()
    await task
    return kills


RIG = Rig(
    name="streams",
    title="streams of every dialect cut at any byte, nodes killed, while messages go through all",
    goal="20,000 reconnects: 0 events missed, 0 doubled after deduplication by id",
    run=run,
)
