"""Streams disconnect at any byte and nodes are killed, while messages are sent through every node.

Clients of each dialect's SSE stream and of the native WebSocket follow a random node, disconnect
after a random number of bytes or seconds, and resume with their last cursor. The rig counts events
that a client missed, messages received under two ids, and resets. Events may be received twice
after a reconnect (at least once), but then with the same id.
"""

import asyncio
import random
import time
from collections.abc import Coroutine, Sequence

from msgspec import Struct

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import get
from chaos.retrying_senders import RetryingSenders
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, unstarted
from chaos.stream_client import Disconnects, StreamClient
from chaos.stream_parsers import UnexpectedStatus
from chaos.stream_protocols import PROTOCOLS

RECONNECTS = 20_000
SQLITE_SHARE, SHORT_SQLITE_SHARE = 10, 2
"""One in so many of the reconnects is made on SQLite, the others on PostgreSQL."""
SEND_INTERVAL_S = 0.15
DISCONNECT_BYTES = (300, 20_000)
DOWNTIME_S = (0.0, 0.5)
RECONNECT_AFTER_S = 0.02
RECEIVE_TIMEOUT_S, FAULT_TIMEOUT_S = 30.0, 1.0
"""How long to wait for events not received yet; shorter with a fault that loses some."""
DUPLICATES_WAIT_S = 0.5


class StreamsSize(Struct, frozen=True):
    """`disconnect_s`: after how many seconds a client disconnects, unless a number of bytes comes
    first; `uptime_s`: how long all nodes run until one is killed. Both are from and to."""

    clients: int = 60
    conversations: int = 100
    disconnect_s: tuple[float, float] = (0.05, 1.2)
    uptime_s: tuple[float, float] = (1.0, 6.0)


LONG = StreamsSize()
SHORT = StreamsSize(20, 30, (0.05, 0.4), (0.5, 1.5))
"""For a test."""


class StreamsResult(Struct, frozen=True):
    """Sums over all clients. `missed`: acknowledged messages, or events that others received by
    the same protocol, that a client did not receive; `doubled`: messages received under two ids;
    `repeated`: events received again under the same id. `kills` counts kills of nodes."""

    database: str
    reconnects: int
    kills: int
    acknowledged: int
    received: int
    missed: int
    doubled: int
    repeated: int
    resets: int

    @property
    def ok(self) -> bool:
        """Nothing missed, nothing doubled, and no reset: each cursor stayed valid."""
        return not (self.missed or self.doubled or self.resets)

    def __str__(self) -> str:
        return (
            f"{self.database}: {self.reconnects:,} reconnects, {self.kills:,} kills, "
            f"{self.received:,} events received, {self.missed:,} missed, {self.doubled:,} doubled"
        )


async def run(settings: RigSettings) -> Figure:
    """Measure two nodes on PostgreSQL, then one on SQLite."""
    reconnects, rng = settings.trials(RECONNECTS, 240), settings.random()
    sqlite_reconnects = reconnects // settings.pick(SQLITE_SHARE, SHORT_SQLITE_SHARE)
    postgres_reconnects, size = reconnects - sqlite_reconnects, settings.pick(LONG, SHORT)
    with settings.databases() as new_database:
        home = ServerHome(settings.folder / "postgres", new_database())
        results = [await reconnect_under_load(home, 2, postgres_reconnects, rng, size)]
    settings.log(f"{results[0]}")
    home = ServerHome(settings.folder / "sqlite")
    results.append(await reconnect_under_load(home, 1, sqlite_reconnects, rng, size))
    return Figure(
        rig=RIG.name,
        params={"reconnects": reconnects, "clients": size.clients},
        counts={
            f"{each.database}_{name}": getattr(each, name)
            for each in results
            for name in each.__struct_fields__
            if name != "database"
        },
        ok=all(each.ok for each in results),
        line="; ".join(str(each) for each in results),
    )


async def reconnect_under_load(
    home: ServerHome,
    nodes: int,
    reconnects: int,
    rng: random.Random,
    size: StreamsSize = LONG,
    *,
    forgets_cursor: bool = False,
    fault: str = "",
) -> StreamsResult:
    """Let the clients of `nodes` nodes reconnect so often in all, and compare what they received.
    Planted faults: a client that `forgets_cursor`, and the server's `fault`."""
    tenant, check = await seed(home, size.conversations), ConsistencyCheck()
    with unstarted(home, nodes, fault=fault) as servers:
        for server in servers:
            server.start()
            await server.wait_ready()
        group = await ReconnectingClients.create(servers, tenant, rng, size, forgets_cursor)
        loads = [
            RetryingSenders(
                server.port, Sends(tenant, rng, name=f"node{n}", keys="own"), check, 2,
                pause_s=SEND_INTERVAL_S,
            )
            for n, server in enumerate(servers)
        ]  # fmt: skip
        for load in loads:
            load.start()
        kills = await _kill_until(group.reconnect(reconnects), servers, rng, size.uptime_s)
        for load in loads:
            await load.finish()
        await group.wait_until_received(
            check.acknowledged, FAULT_TIMEOUT_S if forgets_cursor or fault else RECEIVE_TIMEOUT_S
        )
    return group.result(home.database, kills, check.acknowledged)


class ReconnectingClients:
    """The clients, of each protocol in turn."""

    def __init__(
        self,
        servers: Sequence[Server],
        clients: list[StreamClient],
        rng: random.Random,
        disconnect_s: tuple[float, float],
        forgets_cursor: bool,
    ) -> None:
        self._servers = servers
        self._clients = clients
        self._rng = rng
        self._disconnect_s = disconnect_s
        self._forgets_cursor = forgets_cursor
        self._expected_connections = 0
        self._connections = 0

    @classmethod
    async def create(
        cls,
        servers: Sequence[Server],
        tenant: SeededTenant,
        rng: random.Random,
        size: StreamsSize,
        forgets_cursor: bool,
    ) -> "ReconnectingClients":
        """Create clients with the same cursor, before any message is sent."""
        response = await get(servers[0].port, "/v1/events/cursor", tenant.bearer("ada"))
        cursor, protocols = response.json()["cursor"], list(PROTOCOLS.values())
        clients = [
            StreamClient(protocols[n % len(protocols)], tenant, cursor) for n in range(size.clients)
        ]
        return cls(servers, clients, rng, size.disconnect_s, forgets_cursor)

    async def reconnect(self, reconnects: int) -> None:
        """Follow, disconnect and reconnect until that was done so often in all."""
        self._expected_connections = reconnects + len(self._clients)
        await asyncio.gather(*(self._reconnect_repeatedly(client) for client in self._clients))

    async def _reconnect_repeatedly(self, client: StreamClient) -> None:
        while self._connections < self._expected_connections:
            disconnects = Disconnects(
                seconds=self._rng.uniform(*self._disconnect_s),
                bytes=self._rng.uniform(*DISCONNECT_BYTES)
                if self._rng.random() < 0.5
                else float("inf"),
            )
            if self._forgets_cursor:
                client.cursor = ""
            if await _follow(client, self._rng.choice(self._servers).port, disconnects):
                self._connections += 1

    async def wait_until_received(
        self, acknowledged: dict[str, tuple[str, str]], timeout_s: float
    ) -> None:
        """Follow without disconnects until all have received everything, or the time is over."""
        following = [asyncio.create_task(self._follow_for_ever(client)) for client in self._clients]
        until = time.monotonic() + timeout_s
        while any(acknowledged.keys() - client.ids_by_key.keys() for client in self._clients):
            if time.monotonic() > until:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(DUPLICATES_WAIT_S)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)

    async def _follow_for_ever(self, client: StreamClient) -> None:
        while True:
            await _follow(client, self._rng.choice(self._servers).port, Disconnects())

    def result(
        self, database: str, kills: int, acknowledged: dict[str, tuple[str, str]]
    ) -> StreamsResult:
        """Compare what each client received with the acknowledged messages, and with what the
        others of its protocol received."""
        all_ids: dict[str, set[bytes]] = {}
        for client in self._clients:
            all_ids.setdefault(client.protocol.name, set()).update(client.counts_by_id)
        missed_sends = sum(
            len(acknowledged.keys() - client.ids_by_key.keys()) for client in self._clients
        )
        missed_events = sum(
            len(all_ids[client.protocol.name] - client.counts_by_id.keys())
            for client in self._clients
        )
        return StreamsResult(
            database=database,
            reconnects=self._connections - len(self._clients),
            kills=kills,
            acknowledged=len(acknowledged),
            received=sum(len(client.counts_by_id) for client in self._clients),
            missed=max(missed_sends, missed_events),
            doubled=sum(
                len(ids) > 1 for client in self._clients for ids in client.ids_by_key.values()
            ),
            repeated=sum(
                client.counts_by_id.total() - len(client.counts_by_id) for client in self._clients
            ),
            resets=sum(client.resets for client in self._clients),
        )


async def _follow(client: StreamClient, port: int, disconnects: Disconnects) -> bool:
    """Follow one connection; return whether the node accepted it."""
    try:
        await client.follow(port, disconnects)
    except ConnectionRefusedError:
        await asyncio.sleep(RECONNECT_AFTER_S)
        return False
    except (OSError, UnexpectedStatus, TimeoutError):
        await asyncio.sleep(RECONNECT_AFTER_S)
    return True


async def _kill_until(
    reconnecting: Coroutine[object, object, None],
    servers: Sequence[Server],
    rng: random.Random,
    uptime_s: tuple[float, float],
) -> int:
    """Kill a random node now and then until `reconnecting` is done; all are ready afterwards."""
    task, kills = asyncio.create_task(reconnecting), 0
    while not task.done():
        await asyncio.wait({task}, timeout=rng.uniform(*uptime_s))
        server = rng.choice(list(servers))
        server.kill()
        kills += 1
        await asyncio.sleep(rng.uniform(*DOWNTIME_S))
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
