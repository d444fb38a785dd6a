"""Rolling restarts under load: two nodes are stopped with SIGTERM and started again in turn.

The clients keep the rules of any load balancer: they send to a node whose /readyz says 200, take
the other node when a connection is refused, and retry after 503, 429, or when a keep-alive
connection was closed before the first byte of the response. Everything else is an error that a user
would notice, and the rig counts it. It also checks that no acknowledged message is lost or stored
twice, and that each node exits with 0.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.http_client import Connection, IncompleteResponse, Request, Response, get
from chaos.rig import FEW_CONVERSATIONS, Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Send, Sends
from chaos.servers import Server, ServerHome, unstarted

RESTARTS = 100
CLIENTS = 8
CONVERSATIONS = 400
"""So many that none reaches the limit of messages a minute of a contact (inbox.md, F)."""
DRAIN_S = 1
POLL_S = 0.1
"""Seconds between two requests of /readyz to each node."""
PAUSE_S = 0.01
UPTIME_S = (0.2, 0.6)
RETRIED = (429, 503)


class RollingResult(Struct, frozen=True):
    """The result of the restarts. `responses` counts statuses and failed connections; `errors`
    those after which a client may not simply retry; `failed_exits` exit codes other than 0."""

    restarts: int
    consistency: Consistency
    responses: dict[str, int]
    errors: dict[str, int]
    failed_exits: int

    @property
    def ok(self) -> bool:
        """Nothing lost or doubled, no error, and only clean exits."""
        return self.consistency.ok and not self.errors and not self.failed_exits


async def run(settings: RigSettings) -> Figure:
    """Restart two nodes on one PostgreSQL in turn."""
    restarts = settings.trials(RESTARTS, 2)
    count = settings.pick(CONVERSATIONS, FEW_CONVERSATIONS)
    with settings.databases() as new_database:
        home = ServerHome(settings.folder, new_database())
        result = await restart_in_turn(home, restarts, settings.random(), conversations=count)
    requests, errors = sum(result.responses.values()), sum(result.errors.values())
    return Figure(
        rig=RIG.name,
        params={"restarts": restarts, "clients": CLIENTS, "drain_seconds": DRAIN_S},
        counts={
            "requests": requests,
            "errors": errors,
            "acknowledged": result.consistency.acknowledged,
            "lost": result.consistency.lost,
            "doubled": result.consistency.doubled,
            "gaps": result.consistency.gaps,
            "failed_exits": result.failed_exits,
            **{f"responses_{name}": count for name, count in sorted(result.responses.items())},
        },
        ok=result.ok,
        line=f"{restarts:,} restarts, {requests:,} requests: {errors:,} non-retryable errors, "
        f"{result.failed_exits:,} exits that were not clean; {result.consistency}",
    )


async def restart_in_turn(
    home: ServerHome,
    restarts: int,
    rng: random.Random,
    *,
    conversations: int = CONVERSATIONS,
    clients: int = CLIENTS,
    drain_seconds: int = DRAIN_S,
    fault: str = "",
) -> RollingResult:
    """Stop and start the nodes of a home in turn under load, and compare. Planted faults: with
    `drain_seconds` 0 a server does not drain; `fault` names another one."""
    tenant, check = await seed(home, conversations), ConsistencyCheck()
    settings, failed_exits = {"drain_seconds": drain_seconds}, 0
    with unstarted(home, 2, settings=settings, fault=fault) as servers:
        for server in servers:
            server.start()
        for server in servers:
            await server.wait_ready()
        balancer = Balancer(servers, rng)
        all_clients = [
            Client(balancer, tenant, Sends(tenant, rng, name=f"client{n}"), check)
            for n in range(clients)
        ]
        tasks = [
            asyncio.create_task(work()) for work in (balancer.poll, *(c.work for c in all_clients))
        ]
        for n in range(restarts):
            await asyncio.sleep(rng.uniform(*UPTIME_S))
            failed_exits += await servers[n % 2].terminate() != 0
            servers[n % 2].start()
            await servers[n % 2].wait_ready()
            _raise_errors(tasks)
        for client in all_clients:
            client.stopping = True
        await asyncio.wait(tasks[1:])
        tasks[0].cancel()
        _raise_errors(tasks[1:])
    responses = sum((client.responses for client in all_clients), Counter())
    errors = sum((client.errors for client in all_clients), Counter())
    return RollingResult(
        restarts, await check.compare(home, tenant), dict(responses), dict(errors), failed_exits
    )


class Balancer:
    """Chooses among the nodes whose last /readyz was 200."""

    def __init__(self, servers: Sequence[Server], rng: random.Random) -> None:
        self.ports = [server.port for server in servers]
        self._rng = rng
        self._ready = set(self.ports)

    def choose(self, other_than: int | None) -> int:
        """A port other than `other_than`; that of a ready node if there is one."""
        ready = [port for port in self.ports if port in self._ready and port != other_than]
        return self._rng.choice(ready or [port for port in self.ports if port != other_than])

    async def poll(self) -> None:
        """Request /readyz of every node, for ever."""
        while True:
            for port in self.ports:
                try:
                    ready = (await get(port, "/readyz")).status == 200
                except (OSError, IncompleteResponse, TimeoutError):
                    ready = False
                (self._ready.add if ready else self._ready.discard)(port)
            await asyncio.sleep(POLL_S)


class Client:
    """A client that sends and reads in turn until it is `stopping`."""

    def __init__(
        self, balancer: Balancer, tenant: SeededTenant, sends: Sends, check: ConsistencyCheck
    ) -> None:
        self._balancer = balancer
        self._sends = sends
        self._check = check
        self._connections = {port: Connection(port) for port in balancer.ports}
        self._read_request = Request("GET", "/v1/conversations?limit=5", tenant.bearer("ada"))
        self.responses: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.stopping = False

    async def work(self) -> None:
        """Send and read until `stopping` is set."""
        while not self.stopping:
            send = self._sends.new()
            response = await self._send_until_response(send.request)
            self._record(send, response)
            await self._send_until_response(self._read_request)
            await asyncio.sleep(PAUSE_S)
        for connection in self._connections.values():
            connection.close()

    def _record(self, send: Send, response: Response) -> None:
        if response.status in (200, 201):
            self._check.record(send, send.shown_id(response))

    async def _send_until_response(self, request: Request) -> Response:
        """Send to one node after the other until one responds, and not with 429 or 503."""
        port = None
        while True:
            port = self._balancer.choose(port)
            response = await self._try(self._connections[port], request)
            if response is not None:
                return response
            await asyncio.sleep(PAUSE_S)

    async def _try(self, connection: Connection, request: Request) -> Response | None:
        """The response; None: retry, counted as an error if a load balancer would not retry."""
        was_open, began = connection.is_open, time.monotonic()
        try:
            response = await connection.send(request)
        except ConnectionRefusedError:
            self.responses["refused"] += 1
            return None
        except (OSError, IncompleteResponse, TimeoutError) as error:
            text = f"{type(error).__name__} {error}"[:60]
            if was_open and isinstance(error, IncompleteResponse) and error.received == 0:
                self.responses["kept_closed"] += 1
            else:
                self.errors[f"{text} after {time.monotonic() - began:.1f} s"] += 1
            return None
        self.responses[str(response.status)] += 1
        if response.headers.get("connection", "").lower() == "close":
            connection.close()
        if response.status in RETRIED:
            return None
        if response.status >= 300:
            self.errors[f"{response.status} {response.body[:80]!r}"] += 1
        return response


def _raise_errors(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Raise the exception that ended a task, if one did."""
    for task in tasks:
        if task.done():
            task.result()


RIG = Rig(
    name="rolling",
    title="rolling restarts of two nodes under load; clients behave like any load balancer",
    goal="100 restarts: 0 non-retryable errors, 0 lost, 0 doubled",
    run=run,
)
