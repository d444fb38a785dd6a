"""Rolling restarts under load: two nodes stopped and started in turn, behind any balancer's rules.

A client asks a node that says it is ready, takes another when a connection is refused, and tries
again after 503, 429, or when a kept connection was closed before any answer. All else is an error
that its user would see.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.http_client import Cut, Line, Reply, Request, get
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.sends import Send, Sends
from chaos.servers import Server, ServerHome, unstarted
from tests.support.postgres import running_postgres

RESTARTS = 100
CLIENTS = 8
CONVERSATIONS = 400
"""So many that none has more in a minute than a contact may add to (inbox.md, F)."""
DRAIN_S = 1
LOOK_EVERY = 0.1
"""How often the balancer asks a node whether it is ready."""
PAUSE_S = 0.01
BETWEEN_S = (0.2, 0.6)
RETRIED = (429, 503)


class RollingResult(Struct, frozen=True):
    """What came of the restarts. `answers` counts what came back; `errors` those that a client may
    not simply try again after; `failed` the ends of a process with another code than 0."""

    restarts: int
    verdict: Consistency
    answers: dict[str, int]
    errors: dict[str, int]
    failed: int

    @property
    def ok(self) -> bool:
        """Nobody noticed."""
        return self.verdict.ok and not self.errors and not self.failed


async def run(settings: RigSettings) -> Figure:
    """Restart two nodes on one PostgreSQL in turn."""
    restarts = settings.trials(RESTARTS, 3)
    with running_postgres() as cluster:
        home = ServerHome(settings.folder, cluster.new_database())
        done = await restart_in_turn(home, restarts, settings.random())
    asked, errors = sum(done.answers.values()), sum(done.errors.values())
    return Figure(
        rig=RIG.name,
        params={"restarts": restarts, "clients": CLIENTS, "drain_seconds": DRAIN_S},
        counts={
            "answers": asked,
            "errors": errors,
            "acknowledged": done.verdict.acknowledged,
            "lost": done.verdict.lost,
            "doubled": done.verdict.doubled,
            "gaps": done.verdict.gaps,
            "failed_exits": done.failed,
            **{f"answers_{name}": count for name, count in sorted(done.answers.items())},
        },
        ok=done.ok,
        line=f"{restarts:,} restarts, {asked:,} requests: {errors:,} non-retryable errors, "
        f"{done.failed:,} exits that were not clean; {done.verdict}",
    )


async def restart_in_turn(
    home: ServerHome,
    restarts: int,
    dice: random.Random,
    *,
    conversations: int = CONVERSATIONS,
    clients: int = CLIENTS,
    drain_seconds: int = DRAIN_S,
    sabotage: str = "",
) -> RollingResult:
    """Stop and start the nodes of a home in turn under load, and compare. Planted bugs: a server
    that does not drain, or has a fault."""
    seeded, ledger = await seed(home, conversations), ConsistencyCheck()
    given, failed = {"drain_seconds": drain_seconds}, 0
    with unstarted(home, 2, settings=given, sabotage=sabotage) as pair:
        for server in pair:
            server.start()
        for server in pair:
            await server.wait_ready()
        balancer = Balancer(pair, dice)
        crowd = [
            Client(balancer, seeded, Sends(seeded, dice, name=f"client{n}"), ledger)
            for n in range(clients)
        ]
        working = [
            asyncio.create_task(work()) for work in (balancer.look, *(c.work for c in crowd))
        ]
        for n in range(restarts):
            await asyncio.sleep(dice.uniform(*BETWEEN_S))
            failed += await pair[n % 2].terminate() != 0
            pair[n % 2].start()
            await pair[n % 2].wait_ready()
            _check(working)
        for client in crowd:
            client.stopping = True
        await asyncio.wait(working[1:])
        working[0].cancel()
        _check(working[1:])
    answers = sum((client.answers for client in crowd), Counter())
    errors = sum((client.errors for client in crowd), Counter())
    return RollingResult(
        restarts, await ledger.compare(home, seeded), dict(answers), dict(errors), failed
    )


class Balancer:
    """Knows which nodes say that they are ready."""

    def __init__(self, servers: Sequence[Server], dice: random.Random) -> None:
        self.ports = [server.port for server in servers]
        self._dice = dice
        self._ready = set(self.ports)

    def choose(self, but: int | None) -> int:
        """The port of a node that is ready; of another than `but` if there is one."""
        good = [port for port in self.ports if port in self._ready and port != but]
        return self._dice.choice(good or [port for port in self.ports if port != but])

    async def look(self) -> None:
        """Ask every node, for ever."""
        while True:
            for port in self.ports:
                try:
                    ready = (await get(port, "/readyz")).status == 200
                except (OSError, Cut, TimeoutError):
                    ready = False
                (self._ready.add if ready else self._ready.discard)(port)
            await asyncio.sleep(LOOK_EVERY)


class Client:
    """Sends and reads in turn, until it is `stopping`."""

    def __init__(
        self, balancer: Balancer, seeded: SeededTenant, sends: Sends, ledger: ConsistencyCheck
    ) -> None:
        self._balancer = balancer
        self._sends = sends
        self._ledger = ledger
        self._lines = {port: Line(port) for port in balancer.ports}
        self._reading = Request("GET", "/v1/conversations?limit=5", seeded.bearer("ada"))
        self.answers: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.stopping = False

    async def work(self) -> None:
        """Until it is told to stop."""
        while not self.stopping:
            send = self._sends.new()
            reply = await self._until_answered(send.request)
            self._tell(send, reply)
            await self._until_answered(self._reading)
            await asyncio.sleep(PAUSE_S)
        for line in self._lines.values():
            line.close()

    def _tell(self, send: Send, reply: Reply) -> None:
        if reply.status in (200, 201):
            self._ledger.acknowledged(send, send.shown_id(reply))

    async def _until_answered(self, request: Request) -> Reply:
        """What comes back at last, from whichever node."""
        port = None
        while True:
            port = self._balancer.choose(port)
            reply = await self._try(self._lines[port], request)
            if reply is not None:
                return reply
            await asyncio.sleep(PAUSE_S)

    async def _try(self, line: Line, request: Request) -> Reply | None:
        """The answer; None to try again, which was counted as an error if nobody would."""
        kept, began = line.is_open, time.monotonic()
        try:
            reply = await line.ask(request)
        except ConnectionRefusedError:
            self.answers["refused"] += 1
            return None
        except (OSError, Cut, TimeoutError) as error:
            how = f"{type(error).__name__} {error}"[:60]
            if kept and isinstance(error, Cut) and error.got == 0:
                self.answers["kept_closed"] += 1
            else:
                self.errors[f"{how} after {time.monotonic() - began:.1f} s"] += 1
            return None
        self.answers[str(reply.status)] += 1
        if reply.headers.get("connection", "").lower() == "close":
            line.close()
        if reply.status in RETRIED:
            return None
        if reply.status >= 300:
            self.errors[f"{reply.status} {reply.body[:80]!r}"] += 1
        return reply


def _check(tasks: "Sequence[asyncio.Task[None]]") -> None:
    """Raise what a task broke off with, if one did."""
    for task in tasks:
        if task.done():
            task.result()


RIG = Rig(
    name="rolling",
    title="rolling restarts of two nodes under load; clients behave like any load balancer",
    goal="100 restarts: 0 non-retryable errors, 0 lost, 0 doubled",
    run=run,
)
