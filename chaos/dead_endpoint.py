"""One dead webhook endpoint among many must not delay the deliveries to the others.

Three servers run at the same time with the same number of endpoints: all of the first are healthy,
one of the second accepts connections and never responds, one of the third refuses connections.
Messages are sent to them in turn, so that other load of the machine affects all three. The rig
compares the time from the send to the delivery at the healthy endpoints (99th percentile).
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

from msgspec import Struct

from chaos.http_client import HOST, Connection, Request
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import home_engine, seed_tenant
from chaos.seeded_tenant import SeededTenant
from chaos.servers import ServerHome, nodes
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.actor import operator
from tests.support.ports import free_port

ENDPOINTS, FEW_ENDPOINTS = 100, 20
MESSAGES = 200
"""Sent to each server."""
SEND_INTERVAL_S, SHORT_INTERVAL_S = 0.2, 0.05
"""Seconds between two sends, each to the next server."""
MAX_RATIO = 1.2
"""How many times longer the 99th percentile may be beside a dead endpoint."""
RECEIVE_TIMEOUT_S = 5.0
OK = b"HTTP/1.1 204 x\r\n\r\n"
SERVERS = ("healthy", "hangs", "refuses")
ALLOWED = {"outbound_allow": HOST}


class Delays(Struct):
    """Seconds from the send of a message to its delivery at each healthy endpoint, by server."""

    sent: dict[str, float]
    received: dict[str, list[float]]
    missing: int = 0

    def p99(self, server: str) -> float:
        """The 99th percentile, in ms."""
        ordered = sorted(self.received[server])
        return ordered[len(ordered) * 99 // 100] * 1000

    def ratio(self, server: str) -> float:
        """How many times longer than on the server whose endpoints are all healthy."""
        return self.p99(server) / self.p99("healthy")

    @property
    def ok(self) -> bool:
        """Whether all deliveries came, and not much later than on the healthy server."""
        return not self.missing and max(self.ratio("hangs"), self.ratio("refuses")) <= MAX_RATIO


async def run(settings: RigSettings) -> Figure:
    """Measure on PostgreSQL, with three databases of one cluster."""
    messages = settings.trials(MESSAGES, 8)
    count = settings.pick(ENDPOINTS, FEW_ENDPOINTS)
    interval_s = settings.pick(SEND_INTERVAL_S, SHORT_INTERVAL_S)
    with settings.databases() as new_database:
        homes = {server: ServerHome(settings.folder / server, new_database()) for server in SERVERS}
        delays = await measure(homes, messages, endpoints=count, interval_s=interval_s)
    p99 = {server: delays.p99(server) for server in SERVERS}
    return Figure(
        rig=RIG.name,
        params={"endpoints": count, "messages": messages * len(SERVERS)},
        counts={
            **{f"p99_ms_{server}": round(ms, 1) for server, ms in p99.items()},
            "missing": delays.missing,
        },
        ok=delays.ok,
        line=f"{sum(map(len, delays.received.values())):,} deliveries, {delays.missing:,} missing; "
        f"p99 {p99['healthy']:.0f} ms where all {count} are healthy, {p99['hangs']:.0f} ms "
        f"({delays.ratio('hangs'):.2f} ×) beside one that hangs, {p99['refuses']:.0f} ms "
        f"({delays.ratio('refuses'):.2f} ×) beside one that refuses",
    )


async def measure(
    homes: dict[str, ServerHome],
    messages: int,
    *,
    endpoints: int = ENDPOINTS,
    interval_s: float = SEND_INTERVAL_S,
    timeout_s: float = RECEIVE_TIMEOUT_S,
    fault: str = "",
) -> Delays:
    """Send `messages` to each server, and wait for the deliveries, at most `timeout_s`. `homes` are
    by the names in SERVERS, all or some of them."""
    delays = Delays({}, {server: [] for server in homes})
    async with AsyncExitStack() as stack:
        healthy_port = await stack.enter_async_context(_healthy_receiver(delays))
        hanging_port = await stack.enter_async_context(_hanging_receiver())
        first_ports = {"healthy": healthy_port, "hangs": hanging_port, "refuses": free_port()}
        tenants = {
            server: await _seed_endpoints(home, endpoints, healthy_port, first_ports[server])
            for server, home in homes.items()
        }
        connections = {}
        for server, home in homes.items():
            running = nodes(home, settings=ALLOWED, fault=fault)
            connection = Connection((await stack.enter_async_context(running))[0].port)
            connections[server] = stack.enter_context(closing(connection))
        for number in range(messages):
            for server, connection in connections.items():
                await _send_message(connection, tenants[server], delays, f"{server} {number}")
                await asyncio.sleep(interval_s)
        expected = messages * sum(endpoints - (server != "healthy") for server in homes)
        await _wait_until_received(delays, expected, timeout_s)
    return delays


async def _seed_endpoints(
    home: ServerHome, count: int, healthy_port: int, first_port: int
) -> SeededTenant:
    """Create a tenant with `count` endpoints, the first of them at `first_port`."""
    async with home_engine(home, ALLOWED) as engine:
        tenant = await seed_tenant(engine, 1)
        for number in range(count):
            url = f"http://{HOST}:{healthy_port if number else first_port}/{number}"
            new = NewEndpoint(dialect="native", url=url, kinds=("message.created",))
            await endpoints.create(engine, operator(tenant.tenant_id), new)
    return tenant


async def _send_message(
    connection: Connection, tenant: SeededTenant, delays: Delays, text: str
) -> None:
    path = f"/v1/conversations/{tenant.conversations[0].id}/messages"
    delays.sent[text] = time.monotonic()
    response = await connection.send(
        Request("POST", path, tenant.bearer("alice"), {"content": text})
    )
    assert response.status == 201, response


async def _wait_until_received(delays: Delays, expected: int, timeout_s: float) -> None:
    for _ in range(100):
        delays.missing = expected - sum(map(len, delays.received.values()))
        if not delays.missing:
            return
        await asyncio.sleep(timeout_s / 100)


@asynccontextmanager
async def _healthy_receiver(delays: Delays) -> AsyncIterator[int]:
    """All healthy endpoints, at one port: they respond, and record when a delivery came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = head.lower().index(b"content-length: ") + 16
                body = await reader.readexactly(int(head[at : head.index(b"\r", at)]))
                writer.write(OK)
                text = json.loads(body)["data"]["message"]["content"]
                delays.received[text.split()[0]].append(time.monotonic() - delays.sent[text])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, backlog=1024)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def _hanging_receiver() -> AsyncIterator[int]:
    """An endpoint that accepts connections and requests, and never responds."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


RIG = Rig(
    name="dead_endpoint",
    title=f"one of {ENDPOINTS} webhook endpoints hangs, or refuses connections; compared with "
    "servers whose endpoints all respond",
    goal=f"p99 of the others ≤ {MAX_RATIO} × without it",
    run=run,
)
