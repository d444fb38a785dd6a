"""Sends that are cut at four points, and retried with the same key until acknowledged."""

import asyncio
import random
from collections import Counter

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.cutting_proxy import Plan, Point, Proxy
from chaos.http_client import Cut, Reply, ask
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import DIALECTS, Keys, Send, Sends
from chaos.servers import ServerHome, nodes
from tests.support.postgres import running_postgres

CUTS = 21_000
"""Of some 10,500 sends: each is cut one to three times."""
CLIENTS = 12
CONVERSATIONS = 400
"""So many that none has more in a minute than a contact may add to (inbox.md, F)."""
MOST_CUTS = 3
"""Of one send, before it is let through."""
AGAIN_AFTER = 0.01


class LossResult(Struct, frozen=True):
    """What came of the cut sends into one database."""

    database: str
    cuts: dict[str, int]
    dialects: dict[str, int]
    answers: dict[str, int]
    verdict: Consistency

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, and no 5xx."""
        return self.verdict.ok and not any(status >= "500" for status in self.answers)

    @property
    def total(self) -> int:
        """How many cuts there were."""
        return sum(self.cuts.values())


async def run(settings: RigSettings) -> Figure:
    """Half of the cuts before a server on SQLite, half before one on PostgreSQL."""
    dice = settings.random()
    half = settings.trials(CUTS, 200) // 2
    done = [await cut_sends(ServerHome(settings.folder / "sqlite"), half, dice)]
    settings.say(f"{done[0]}")
    with running_postgres(fsync=True) as cluster:
        home = ServerHome(settings.folder / "postgres", cluster.new_database())
        done.append(await cut_sends(home, half, dice))
    total = sum(each.total for each in done)
    return Figure(
        rig=RIG.name,
        params={"cuts": 2 * half, "clients": CLIENTS},
        counts={f"{each.database}_{name}": n for each in done for name, n in _counts(each).items()},
        ok=all(each.ok for each in done) and total >= 2 * half,
        line=f"{total:,} cuts; "
        + "; ".join(f"{each.database}: {each.total:,} cuts, {each.verdict}" for each in done),
    )


async def cut_sends(
    home: ServerHome,
    cuts: int,
    dice: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
) -> LossResult:
    """Cut sends into a home's server until `cuts` were cut, and compare; `keys` is how clients try
    again (chaos/sends.py)."""
    seeded = await seed(home, conversations)
    work = _Work(Sends(seeded, dice, keys=keys), ConsistencyCheck(), dice, cuts)
    async with nodes(home) as (server,):
        await asyncio.gather(*(work.client(server.port) for _ in range(CLIENTS)))
    verdict = await work.ledger.compare(home, seeded)
    return LossResult(
        home.database, dict(work.cuts), dict(work.dialects), dict(work.answers), verdict
    )


class _Work:
    """What the clients share: how many cuts are left, and what has come of them."""

    def __init__(
        self, sends: Sends, ledger: ConsistencyCheck, dice: random.Random, cuts: int
    ) -> None:
        self._sends = sends
        self._dice = dice
        self._left = cuts
        self.ledger = ledger
        self.cuts: Counter[str] = Counter()
        self.dialects: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    async def client(self, upstream: int) -> None:
        """Send through a proxy of one's own, in one dialect after the other."""
        names = list(DIALECTS)
        async with Proxy(upstream) as proxy:
            while self._left > 0:
                await self._send(proxy, self._sends.new(self._dice.choice(names)))

    async def _send(self, proxy: Proxy, send: Send) -> None:
        self.dialects[send.dialect] += 1
        for _ in range(self._dice.randint(1, MOST_CUTS)):
            plan = self._plan()
            self._left -= 1
            self.cuts[plan.point.name.lower()] += 1
            if await self._through(proxy, plan, send) is not None:
                raise RuntimeError(f"{plan} cut nothing")
        while True:
            reply = await self._through(proxy, None, send)
            if reply is None or reply.status in (409, 503):
                await asyncio.sleep(AGAIN_AFTER)
                continue
            if reply.status not in (200, 201):
                raise RuntimeError(f"{send.dialect}: {reply.status} {reply.body[:500]!r}")
            return self.ledger.acknowledged(send, send.shown_id(reply))

    def _plan(self) -> Plan:
        point = self._dice.choice(list(Point))
        return Plan(point, part=self._dice.random(), both=self._dice.random() < 0.5)

    async def _through(self, proxy: Proxy, plan: Plan | None, send: Send) -> Reply | None:
        proxy.plan = plan
        try:
            reply = await ask(proxy.port, send.request)
        except (OSError, Cut):
            return None
        self.answers[str(reply.status)] += 1
        return reply


def _counts(came: LossResult) -> dict[str, int | float]:
    return {
        **{f"cut_{point}": count for point, count in sorted(came.cuts.items())},
        **{f"sent_{dialect}": count for dialect, count in sorted(came.dialects.items())},
        "acknowledged": came.verdict.acknowledged,
        "lost": came.verdict.lost,
        "doubled": came.verdict.doubled,
        "gaps": came.verdict.gaps,
        "in_flight": came.answers.get("409", 0),
    }


RIG = Rig(
    name="response_loss",
    title="sends of every dialect cut by a proxy, before the request is complete, before the "
    "response, after its head and within its body; retried with the same key until acknowledged",
    goal="10,000 cut sends: 0 lost, 0 doubled",
    run=run,
)
