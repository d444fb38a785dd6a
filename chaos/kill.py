"""Kill the server with SIGKILL under load, many times, on SQLite and on PostgreSQL.

Clients retry each send with the same key until it is acknowledged. At the end the rig compares the
acknowledged sends with the database: none lost, none stored twice, no gap in the `seq` of a
conversation; and no response was a 500.
"""

import asyncio
import random

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.retrying_senders import RetryingSenders
from chaos.rig import FEW_CONVERSATIONS, Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Keys, Sends
from chaos.servers import ServerHome, unstarted

SQLITE_KILLS = 1_000
POSTGRES_KILLS = 200
CLIENTS = 8
CONVERSATIONS = 300
"""So many that none reaches the limit of messages a minute of a contact (inbox.md, F)."""
UPTIME_S = {"sqlite": (0.0, 0.25), "postgres": (0.1, 0.8)}
"""How long a server runs after it is ready, in seconds: from and to. Longer on PostgreSQL, where it
first opens its connections."""


class KillResult(Struct, frozen=True):
    """The result of the kills of one server."""

    database: str
    kills: int
    consistency: Consistency
    responses: dict[str, int]
    worst_s: float

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, and no 500."""
        return self.consistency.ok and not self.responses.get("500")


async def run(settings: RigSettings) -> Figure:
    """Kill the server on SQLite, then a fifth as often on PostgreSQL."""
    rng = settings.random()
    kills = settings.trials(SQLITE_KILLS, 8)
    postgres_kills = max(4, kills * POSTGRES_KILLS // SQLITE_KILLS)
    count = settings.pick(CONVERSATIONS, FEW_CONVERSATIONS)
    # The key of a header is held for the killed process for a minute, too long for a short run.
    keys: Keys = settings.pick("any", "own")
    home = ServerHome(settings.folder / "sqlite")
    results = [await kill(home, kills, rng, conversations=count)]
    settings.log(f"{results[0]}")
    with settings.databases(fsync=True) as new_database:
        home = ServerHome(settings.folder / "postgres", new_database())
        results.append(await kill(home, postgres_kills, rng, conversations=count, keys=keys))
    return Figure(
        rig=RIG.name,
        params={"sqlite_kills": kills, "postgres_kills": postgres_kills, "clients": CLIENTS},
        counts={
            f"{each.database}_{name}": value
            for each in results
            for name, value in _counts(each).items()
        },
        ok=all(each.ok for each in results),
        line="; ".join(
            f"{each.database}: {each.kills:,} kills, {each.consistency}" for each in results
        ),
    )


async def kill(
    home: ServerHome,
    kills: int,
    rng: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
    fault: str = "",
) -> KillResult:
    """Kill the server of a home `kills` times under load, and compare. `keys` says how the server
    recognises a retry (chaos/sends.py); `fault` names a planted fault."""
    tenant, check = await seed(home, conversations), ConsistencyCheck()
    with unstarted(home, fault=fault) as (server,):
        load = RetryingSenders(server.port, Sends(tenant, rng, keys=keys), check, CLIENTS)
        load.start()
        for _ in range(kills):
            server.start()
            await server.wait_ready()
            await asyncio.sleep(rng.uniform(*UPTIME_S[home.database]))
            server.kill()
            load.raise_errors()
        server.start()
        await server.wait_ready()
        await load.finish()
        server.kill()
    consistency = await check.compare(home, tenant)
    return KillResult(home.database, kills, consistency, dict(load.responses), load.worst_s)


def _counts(result: KillResult) -> dict[str, int | float]:
    return {
        "kills": result.kills,
        "acknowledged": result.consistency.acknowledged,
        "lost": result.consistency.lost,
        "doubled": result.consistency.doubled,
        "gaps": result.consistency.gaps,
        "cut": result.responses.get("cut", 0),
        "in_flight": result.responses.get("409", 0),
        "worst_wait_s": round(result.worst_s, 1),
    }


RIG = Rig(
    name="kill",
    title="kill -9 of the server under load; clients retry with the same key until acknowledged",
    goal="1,000 kills on SQLite and 200 on PostgreSQL: 0 acknowledged lost, 0 doubled, 0 gaps",
    run=run,
)
