"""PostgreSQL stopped without a checkpoint under load, again and again; Koine runs on."""

import asyncio
import random
import time

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.retrying_clients import Load
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Keys, Sends
from chaos.servers import Server, ServerHome, nodes
from tests.support.postgres import Postgres, running_postgres

RESTARTS = 100
CLIENTS = 8
CONVERSATIONS = 400
"""So many that none has more in a minute than a contact may add to (inbox.md, F)."""
LIVES_S = (0.1, 0.8)
"""How long PostgreSQL runs between two restarts, in seconds: from and to."""
BACK_WITHIN_S = 1.0
GIVE_UP_S = 30.0


class RestartResult(Struct, frozen=True):
    """What came of the restarts. `back_s` are the seconds from PostgreSQL taking connections to
    the first send acknowledged; `survived` says that the server was the same process throughout."""

    restarts: int
    verdict: Consistency
    answers: dict[str, int]
    back_s: list[float]
    survived: bool

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, no 500, and every time back in time."""
        errors = sum(count for status, count in self.answers.items() if status == "500")
        return (
            self.verdict.ok and self.survived and not errors and max(self.back_s) <= BACK_WITHIN_S
        )


async def run(settings: RigSettings) -> Figure:
    """Restart a PostgreSQL that is as durable as it comes."""
    restarts = settings.trials(RESTARTS, 5)
    with running_postgres(fsync=True) as cluster:
        home = ServerHome(settings.folder, cluster.new_database())
        done = await restart(home, cluster, restarts, settings.random())
    slowest = max(done.back_s)
    return Figure(
        rig=RIG.name,
        params={"restarts": restarts, "clients": CLIENTS},
        counts=_counts(done),
        ok=done.ok,
        line=f"{restarts:,} restarts, {done.verdict}, {done.answers.get('500', 0):,} responses of "
        f"500, successful again within {slowest:.2f} s"
        + ("" if done.survived else "; the server ended"),
    )


async def restart(
    home: ServerHome,
    cluster: Postgres,
    restarts: int,
    dice: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
    sabotage: str = "",
) -> RestartResult:
    """Restart a home's PostgreSQL under load, and compare. `keys` is how clients try again
    (chaos/sends.py); `sabotage` names a broken server (chaos/planted_faults)."""
    seeded, ledger = await seed(home, conversations), ConsistencyCheck()
    back_s = []
    async with nodes(home, sabotage=sabotage) as (server,):
        load = Load(server.port, Sends(seeded, dice, keys=keys), ledger, CLIENTS)
        load.start()
        for _ in range(restarts):
            await asyncio.sleep(dice.uniform(*LIVES_S))
            await asyncio.to_thread(cluster.restart_immediately)
            back_s.append(await _back(load, server))
            load.check()
        await load.finish()
        survived = server.runs
    verdict = await ledger.compare(home, seeded)
    return RestartResult(restarts, verdict, dict(load.answers), back_s, survived)


async def _back(load: Load, server: Server) -> float:
    """Seconds from now until a try that began after now is acknowledged."""
    began = time.monotonic()
    while load.latest[0] < began:
        load.check()
        if not server.runs or time.monotonic() - began > GIVE_UP_S:
            return GIVE_UP_S
        await asyncio.sleep(0.002)
    return load.latest[1] - began


def _counts(done: RestartResult) -> dict[str, int | float]:
    return {
        "acknowledged": done.verdict.acknowledged,
        "lost": done.verdict.lost,
        "doubled": done.verdict.doubled,
        "gaps": done.verdict.gaps,
        "slowest_back_s": round(max(done.back_s), 3),
        **{f"answers_{status}": count for status, count in sorted(done.answers.items())},
    }


RIG = Rig(
    name="postgres_restart",
    title="PostgreSQL stopped immediately and restarted under load; clients retry with the same "
    "key until acknowledged, the server keeps running",
    goal="100 restarts: 0 lost, 0 doubled, no 500, successful requests again within 1 s",
    run=run,
)
