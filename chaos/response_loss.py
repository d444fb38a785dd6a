"""Cut the connections of sends at four points, so that the client does not know the result.

A proxy before the server cuts before the request is complete, before the response, after its head,
or within its body. Clients of every dialect retry with the same key until the send is acknowledged.
At the end the rig compares the acknowledged sends with the database: none lost, none stored twice.
"""

import asyncio
import random
from collections import Counter

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.cutting_proxy import CuttingProxy, Plan, Point
from chaos.http_client import IncompleteResponse, Response, send_request
from chaos.rig import FEW_CONVERSATIONS, Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import DIALECTS, Keys, Send, Sends
from chaos.servers import ServerHome, nodes

CUTS = 21_000
"""These are about 10,500 sends: each is cut one to three times."""
CLIENTS = 12
CONVERSATIONS = 400
"""So many that none reaches the limit of messages a minute of a contact (inbox.md, F)."""
MAX_CUTS = 3
"""Of one send, before its request and response are forwarded."""
RETRY_AFTER_S = 0.01


class LossResult(Struct, frozen=True):
    """The result for one database."""

    database: str
    cuts: dict[str, int]
    dialects: dict[str, int]
    responses: dict[str, int]
    consistency: Consistency

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, and no 5xx."""
        return self.consistency.ok and not any(status >= "500" for status in self.responses)

    @property
    def total(self) -> int:
        """How many cuts there were."""
        return sum(self.cuts.values())


async def run(settings: RigSettings) -> Figure:
    """Half of the cuts with a server on SQLite, half with one on PostgreSQL."""
    rng = settings.random()
    half = settings.trials(CUTS, 500) // 2
    count = settings.pick(CONVERSATIONS, FEW_CONVERSATIONS)
    home = ServerHome(settings.folder / "sqlite")
    results = [await cut_sends(home, half, rng, conversations=count)]
    settings.log(f"{results[0]}")
    with settings.databases(fsync=True) as new_database:
        home = ServerHome(settings.folder / "postgres", new_database())
        results.append(await cut_sends(home, half, rng, conversations=count))
    total = sum(each.total for each in results)
    return Figure(
        rig=RIG.name,
        params={"cuts": 2 * half, "clients": CLIENTS},
        counts={
            f"{each.database}_{name}": n for each in results for name, n in _counts(each).items()
        },
        ok=all(each.ok for each in results) and total >= 2 * half,
        line=f"{total:,} cuts; "
        + "; ".join(
            f"{each.database}: {each.total:,} cuts, {each.consistency}" for each in results
        ),
    )


async def cut_sends(
    home: ServerHome,
    cuts: int,
    rng: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
) -> LossResult:
    """Send to the server of a home until there were `cuts` cuts, and compare. `keys` says how the
    server recognises a retry (chaos/sends.py)."""
    tenant = await seed(home, conversations)
    clients = _CuttingClients(Sends(tenant, rng, keys=keys), ConsistencyCheck(), rng, cuts)
    async with nodes(home) as (server,):
        await asyncio.gather(*(clients.run_client(server.port) for _ in range(CLIENTS)))
    consistency = await clients.check.compare(home, tenant)
    return LossResult(
        home.database,
        dict(clients.cuts),
        dict(clients.dialects),
        dict(clients.responses),
        consistency,
    )


class _CuttingClients:
    """The clients, with the number of cuts left and the counts that they share."""

    def __init__(
        self, sends: Sends, check: ConsistencyCheck, rng: random.Random, cuts: int
    ) -> None:
        self._sends = sends
        self._rng = rng
        self._cuts_left = cuts
        self.check = check
        self.cuts: Counter[str] = Counter()
        self.dialects: Counter[str] = Counter()
        self.responses: Counter[str] = Counter()

    async def run_client(self, upstream: int) -> None:
        """Send through a proxy of its own, in random dialects."""
        names = list(DIALECTS)
        async with CuttingProxy(upstream) as proxy:
            while self._cuts_left > 0:
                await self._send(proxy, self._sends.new(self._rng.choice(names)))

    async def _send(self, proxy: CuttingProxy, send: Send) -> None:
        self.dialects[send.dialect] += 1
        for _ in range(self._rng.randint(1, MAX_CUTS)):
            plan = self._plan()
            self._cuts_left -= 1
            self.cuts[plan.point.name.lower()] += 1
            if await self._try(proxy, plan, send) is not None:
                raise RuntimeError(f"{plan} cut nothing")
        while True:
            response = await self._try(proxy, None, send)
            if response is None or response.status in (409, 503):
                await asyncio.sleep(RETRY_AFTER_S)
                continue
            if response.status not in (200, 201):
                raise RuntimeError(f"{send.dialect}: {response.status} {response.body[:500]!r}")
            return self.check.record(send, send.shown_id(response))

    def _plan(self) -> Plan:
        point = self._rng.choice(list(Point))
        return Plan(point, part=self._rng.random(), both=self._rng.random() < 0.5)

    async def _try(self, proxy: CuttingProxy, plan: Plan | None, send: Send) -> Response | None:
        proxy.plan = plan
        try:
            response = await send_request(proxy.port, send.request)
        except (OSError, IncompleteResponse):
            return None
        self.responses[str(response.status)] += 1
        return response


def _counts(result: LossResult) -> dict[str, int | float]:
    return {
        **{f"cut_{point}": count for point, count in sorted(result.cuts.items())},
        **{f"sent_{dialect}": count for dialect, count in sorted(result.dialects.items())},
        "acknowledged": result.consistency.acknowledged,
        "lost": result.consistency.lost,
        "doubled": result.consistency.doubled,
        "gaps": result.consistency.gaps,
        "in_flight": result.responses.get("409", 0),
    }


RIG = Rig(
    name="response_loss",
    title="sends of every dialect cut by a proxy, before the request is complete, before the "
    "response, after its head and within its body; retried with the same key until acknowledged",
    goal="10,000 cut sends: 0 lost, 0 doubled",
    run=run,
)
