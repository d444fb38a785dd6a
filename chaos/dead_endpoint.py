"""One dead webhook endpoint among many: how late the others are told, beside a server without it.

Three servers run at once, each with as many endpoints: all of the first are well, one of the second
takes connections and never answers, one of the third has nobody there. They are sent messages in
turn, so whatever else the machine does falls on all three alike.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from chaos.http_client import HOST, Line, Request
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, open_engine, seed_tenant
from chaos.servers import ServerHome, free_port, nodes
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.actor import operator
from tests.support.postgres import running_postgres

ENDPOINTS = 100
MESSAGES = 200
"""To each server."""
SEND_INTERVAL_S = 0.2
"""A message goes to one of the servers."""
MAX_RATIO = 1.2
"""How many times later the others may be told, at the 99th percentile."""
END_S = 5.0
OK = b"HTTP/1.1 204 x\r\n\r\n"
SERVERS = ("well", "hangs", "refuses")
ALLOWED = {"outbound_allow": HOST}


class Delays(Struct):
    """How long after it was sent a message came to each living endpoint, in s, by the server."""

    sent: dict[str, float]
    came: dict[str, list[float]]
    missing: int = 0

    def p99(self, street: str) -> float:
        """The 99th percentile, in ms."""
        ranked = sorted(self.came[street])
        return ranked[len(ranked) * 99 // 100] * 1000

    def times(self, street: str) -> float:
        """How many times later than where all are well."""
        return self.p99(street) / self.p99("well")

    @property
    def ok(self) -> bool:
        """Whether all came, and none much later for the dead one."""
        return not self.missing and max(self.times("hangs"), self.times("refuses")) <= MAX_RATIO


async def run(settings: RigSettings) -> Figure:
    """On PostgreSQL, three databases of one cluster."""
    messages = settings.trials(MESSAGES, 10)
    with running_postgres() as cluster:
        homes = {
            street: ServerHome(settings.folder / street, cluster.new_database())
            for street in SERVERS
        }
        found = await measure(homes, messages)
    p99 = {street: found.p99(street) for street in SERVERS}
    return Figure(
        rig=RIG.name,
        params={"endpoints": ENDPOINTS, "messages": messages * len(SERVERS)},
        counts={f"p99_ms_{street}": round(ms, 1) for street, ms in p99.items()},
        ok=found.ok,
        line=f"{sum(map(len, found.came.values())):,} deliveries, {found.missing:,} missing; p99 "
        f"{p99['well']:.0f} ms where all {ENDPOINTS} are well, {p99['hangs']:.0f} ms "
        f"({found.times('hangs'):.2f} ×) beside one that hangs, {p99['refuses']:.0f} ms "
        f"({found.times('refuses'):.2f} ×) beside one that refuses",
    )


async def measure(
    homes: dict[str, ServerHome],
    messages: int,
    *,
    endpoints: int = ENDPOINTS,
    every_s: float = SEND_INTERVAL_S,
    end_s: float = END_S,
    sabotage: str = "",
) -> Delays:
    """Send `messages` to each server, and wait for what comes, `end_s` at most. `homes` are by
    STREETS, all or some."""
    found = Delays({}, {street: [] for street in homes})
    async with AsyncExitStack() as stack:
        alive = await stack.enter_async_context(_listening(found))
        dead = await stack.enter_async_context(_silent())
        doors = {"well": alive, "hangs": dead, "refuses": free_port()}
        towns = {
            street: await _seeded(home, endpoints, alive, doors[street])
            for street, home in homes.items()
        }
        lines = {}
        for street, home in homes.items():
            serving = nodes(home, settings=ALLOWED, sabotage=sabotage)
            lines[street] = Line((await stack.enter_async_context(serving))[0].port)
        for number in range(messages):
            for street, line in lines.items():
                await _say(line, towns[street], found, f"{street} {number}")
                await asyncio.sleep(every_s)
        wanted = messages * sum(endpoints - (street != "well") for street in homes)
        await _all_there(found, wanted, end_s)
    return found


async def _seeded(home: ServerHome, count: int, alive: int, door: int) -> SeededTenant:
    """A tenant of `count` endpoints, one of them behind `door`."""
    async with open_engine(home, ALLOWED) as engine:
        seeded = await seed_tenant(engine, 1)
        for number in range(count):
            url = f"http://{HOST}:{alive if number else door}/{number}"
            new = NewEndpoint(dialect="native", url=url, kinds=("message.created",))
            await endpoints.create(engine, operator(seeded.tenant_id), new)
    return seeded


async def _say(line: Line, seeded: SeededTenant, found: Delays, text: str) -> None:
    path = f"/v1/conversations/{seeded.conversations[0].id}/messages"
    found.sent[text] = time.monotonic()
    reply = await line.ask(Request("POST", path, seeded.bearer("alice"), {"content": text}))
    assert reply.status == 201, reply


async def _all_there(found: Delays, wanted: int, end_s: float) -> None:
    for _ in range(100):
        found.missing = wanted - sum(map(len, found.came.values()))
        if not found.missing:
            return
        await asyncio.sleep(end_s / 100)


@asynccontextmanager
async def _listening(found: Delays) -> AsyncIterator[int]:
    """The living endpoints, at one port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = head.lower().index(b"content-length: ") + 16
                body = await reader.readexactly(int(head[at : head.index(b"\r", at)]))
                writer.write(OK)
                text = json.loads(body)["data"]["message"]["content"]
                found.came[text.split()[0]].append(time.monotonic() - found.sent[text])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0, backlog=1024)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def _silent() -> AsyncIterator[int]:
    """An endpoint that takes connections and posts, and never says a word."""

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
