"""Stop PostgreSQL immediately (without a checkpoint) under load and start it again, many times.

Clients retry each send with the same key until it is acknowledged. The rig checks that no
acknowledged message is lost or stored twice, that the server process survives and responds with 503
instead of 500 meanwhile, and measures how soon after each restart a request succeeds again.
"""

import asyncio
import random
import time

from msgspec import Struct

from chaos.consistency_check import Consistency, ConsistencyCheck
from chaos.retrying_senders import RetryingSenders
from chaos.rig import FEW_CONVERSATIONS, Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Keys, Sends
from chaos.servers import Server, ServerHome, nodes
from tests.support.postgres import Postgres, running_postgres

RESTARTS = 100
CLIENTS = 8
CONVERSATIONS = 400
"""So many that none reaches the limit of messages a minute of a contact (inbox.md, F)."""
UPTIME_S = (0.1, 0.8)
"""How long PostgreSQL runs between two restarts, in seconds: from and to."""
MAX_RECOVERY_S = 1.0
RECOVERY_TIMEOUT_S = 30.0


class RestartResult(Struct, frozen=True):
    """The result of the restarts. `recovery_s`: for each, the seconds from the start of PostgreSQL
    to the next acknowledged send; `survived`: the server process was the same throughout."""

    restarts: int
    consistency: Consistency
    responses: dict[str, int]
    recovery_s: list[float]
    survived: bool

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing doubled, no gap, no 500, and each recovery in time."""
        errors = sum(count for status, count in self.responses.items() if status == "500")
        return (
            self.consistency.ok
            and self.survived
            and not errors
            and max(self.recovery_s) <= MAX_RECOVERY_S
        )


async def run(settings: RigSettings) -> Figure:
    """Restart a PostgreSQL with fsync."""
    restarts = settings.trials(RESTARTS, 3)
    count = settings.pick(CONVERSATIONS, FEW_CONVERSATIONS)
    with running_postgres(fsync=True) as cluster:
        home = ServerHome(settings.folder, cluster.new_database())
        result = await restart(home, cluster, restarts, settings.random(), conversations=count)
    slowest = max(result.recovery_s)
    return Figure(
        rig=RIG.name,
        params={"restarts": restarts, "clients": CLIENTS},
        counts=_counts(result),
        ok=result.ok,
        line=f"{restarts:,} restarts, {result.consistency}, {result.responses.get('500', 0):,} "
        f"responses of 500, successful again within {slowest:.2f} s"
        + ("" if result.survived else "; the server ended"),
    )


async def restart(
    home: ServerHome,
    cluster: Postgres,
    restarts: int,
    rng: random.Random,
    *,
    keys: Keys = "any",
    conversations: int = CONVERSATIONS,
    fault: str = "",
) -> RestartResult:
    """Restart the PostgreSQL of a home under load, and compare. `keys` says how the server
    recognises a retry (chaos/sends.py); `fault` names a planted fault."""
    tenant, check = await seed(home, conversations), ConsistencyCheck()
    recovery_s = []
    async with nodes(home, fault=fault) as (server,):
        load = RetryingSenders(server.port, Sends(tenant, rng, keys=keys), check, CLIENTS)
        load.start()
        for _ in range(restarts):
            await asyncio.sleep(rng.uniform(*UPTIME_S))
            await asyncio.to_thread(cluster.restart_immediately)
            recovery_s.append(await _recovery_time(load, server))
            load.raise_errors()
        await load.finish()
        survived = server.runs
    consistency = await check.compare(home, tenant)
    return RestartResult(restarts, consistency, dict(load.responses), recovery_s, survived)


async def _recovery_time(load: RetryingSenders, server: Server) -> float:
    """Seconds from now until a request that began after now is acknowledged."""
    began = time.monotonic()
    while load.latest[0] < began:
        load.raise_errors()
        if not server.runs or time.monotonic() - began > RECOVERY_TIMEOUT_S:
            return RECOVERY_TIMEOUT_S
        await asyncio.sleep(0.002)
    return load.latest[1] - began


def _counts(result: RestartResult) -> dict[str, int | float]:
    return {
        "acknowledged": result.consistency.acknowledged,
        "lost": result.consistency.lost,
        "doubled": result.consistency.doubled,
        "gaps": result.consistency.gaps,
        "slowest_recovery_s": round(max(result.recovery_s), 3),
        **{f"responses_{status}": count for status, count in sorted(result.responses.items())},
    }


RIG = Rig(
    name="postgres_restart",
    title="PostgreSQL stopped immediately and restarted under load; clients retry with the same "
    "key until acknowledged, the server keeps running",
    goal="100 restarts: 0 lost, 0 doubled, no 500, successful requests again within 1 s",
    run=run,
)
