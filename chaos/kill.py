"""kill -9 of the server under load, again and again, on both databases."""

import asyncio
import random

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.retrying_clients import Load
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Keys, Sends
from chaos.servers import ServerHome, unstarted
from tests.support.postgres import running_postgres

SQLITE_KILLS = 1_000
POSTGRES_KILLS = 200
CLIENTS = 8
CONVERSATIONS = 300
"""So many that none has more in a minute than a contact may add to (inbox.md, F)."""
LIVES_S = {"sqlite": (0.0, 0.25), "postgres": (0.1, 0.8)}
"""How long a server lives once it answers, in seconds: from and to; longer where it has yet to
connect to its database."""


class KillResult(Struct, frozen=True):
    """What came of the kills of one database's server."""

    database: str
    kills: int
    verdict: Consistency
    answers: dict[str, int]
    worst_s: float

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, and no 500."""
        return self.verdict.ok and not self.answers.get("500")


async def run(settings: RigSettings) -> Figure:
    """Kill the server on SQLite, then on PostgreSQL: a fifth as often."""
    dice = settings.random()
    kills = settings.trials(SQLITE_KILLS, 5)
    fewer = max(1, kills * POSTGRES_KILLS // SQLITE_KILLS)
    done = [await kill(ServerHome(settings.folder / "sqlite"), kills, dice)]
    settings.say(f"{done[0]}")
    with running_postgres(fsync=True) as cluster:
        home = ServerHome(settings.folder / "postgres", cluster.new_database())
        done.append(await kill(home, fewer, dice))
    return Figure(
        rig=RIG.name,
        params={"sqlite_kills": kills, "postgres_kills": fewer, "clients": CLIENTS},
        counts={
            f"{each.database}_{name}": value
            for each in done
            for name, value in _counts(each).items()
        },
        ok=all(each.ok for each in done),
        line="; ".join(f"{each.database}: {each.kills:,} kills, {each.verdict}" for each in done),
    )


async def kill(
    home: ServerHome,
    kills: int,
    dice: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
    sabotage: str = "",
) -> KillResult:
    """Kill the server of a home `kills` times under load, and compare. `keys` is how clients try
    again (chaos/sends.py); `sabotage` names a broken server (chaos/planted_faults)."""
    seeded, ledger = await seed(home, conversations), ConsistencyCheck()
    with unstarted(home, sabotage=sabotage) as (server,):
        load = Load(server.port, Sends(seeded, dice, keys=keys), ledger, CLIENTS)
        load.start()
        for _ in range(kills):
            server.start()
            await server.wait_ready()
            await asyncio.sleep(dice.uniform(*LIVES_S[home.database]))
            server.kill()
            load.check()
        server.start()
        await server.wait_ready()
        await load.finish()
        server.kill()
    verdict = await ledger.compare(home, seeded)
    return KillResult(home.database, kills, verdict, dict(load.answers), load.worst_s)


def _counts(killed: KillResult) -> dict[str, int | float]:
    return {
        "kills": killed.kills,
        "acknowledged": killed.verdict.acknowledged,
        "lost": killed.verdict.lost,
        "doubled": killed.verdict.doubled,
        "gaps": killed.verdict.gaps,
        "cut": killed.answers.get("cut", 0),
        "in_flight": killed.answers.get("409", 0),
        "worst_wait_s": round(killed.worst_s, 1),
    }


RIG = Rig(
    name="kill",
    title="kill -9 of the server under load; clients retry with the same key until acknowledged",
    goal="1,000 kills on SQLite and 200 on PostgreSQL: 0 acknowledged lost, 0 doubled, 0 gaps",
    run=run,
)
