"""Everybody comes back at once: after a server was killed, and after one that drained."""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import get
from chaos.load_clients import LoadClients, Plan, load_clients
from chaos.retrying_clients import Load
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import SeededTenant, seed
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, nodes

SOCKETS = 5_000
PROCESSES = 4
CONVERSATIONS = 50
BACK_WITHIN = 180.0
SETTLES_S = 20.0


class StormSize(Struct, frozen=True):
    """`send_s`: for how long messages are sent before a restart and after it, one every `pause_s`
    (each goes to thousands of readers); `patience`: which share of the wait that the server asks
    for is waited."""

    send_s: float = 8.0
    pause_s: float = 4.0
    patience: float = 1.0


USUAL = StormSize()
BRIEFLY = StormSize(send_s=0.5, pause_s=0.05, patience=0.05)
"""For a test."""


class StormResult(Struct, frozen=True):
    """What came of the two restarts. The seconds count from the start of the new process until
    everybody follows again; after the drain they hold the wait that the server asked for."""

    sockets: int
    acknowledged: int
    returns: int
    killed_s: float
    drained_s: float
    missed: int
    doubled: int
    resets: int
    exit_code: int

    @property
    def ok(self) -> bool:
        """All back, nothing missed."""
        return not (self.missed or self.doubled or self.resets or self.exit_code)


async def run(settings: RigSettings) -> Figure:
    """One server on SQLite, and clients in processes of their own."""
    sockets = settings.trials(SOCKETS, 200)
    pace = BRIEFLY if settings.short else USUAL
    done = await storm(ServerHome(settings.folder), sockets, settings, pace=pace)
    return Figure(
        rig=RIG.name,
        params={"sockets": sockets},
        counts={name: getattr(done, name) for name in done.__struct_fields__},
        ok=done.ok,
        line=f"{sockets:,} sockets all connected {done.killed_s:.1f} s after the start of a server "
        f"that was killed, {done.drained_s:.1f} s after that of one that drained (it asks each to "
        f"wait 1 to 10 s); {done.missed:,} events missed, {done.doubled:,} doubled",
    )


async def storm(
    home: ServerHome,
    sockets: int,
    settings: RigSettings,
    *,
    pace: StormSize = USUAL,
    processes: int = PROCESSES,
    sabotage: str = "",
) -> StormResult:
    """Have so many sockets follow one server that is killed, and then told to stop."""
    seeded, ledger = await seed(home, CONVERSATIONS), ConsistencyCheck()
    async with nodes(home, sabotage=sabotage) as (server,), AsyncExitStack() as stack:
        crowds = [
            await stack.enter_async_context(load_clients(plan))
            for plan in await _plans(
                server, seeded, sockets=sockets, processes=processes, seed=settings.seed,
                patience=pace.patience,
            )
        ]  # fmt: skip
        settings.say(f"all follow after {await _all_back(crowds):.1f} s")
        sends = Sends(seeded, settings.random(), keys="own")
        load = Load(server.port, sends, ledger, 1, pause_s=pace.pause_s)
        load.start()
        await asyncio.sleep(pace.send_s)
        server.kill()
        killed_s = await _restart(server, crowds)
        settings.say(f"all connected after {killed_s:.1f} s")
        await asyncio.sleep(pace.send_s)
        server.send_signal(signal.SIGTERM)
        exit_code = await server.ended()
        drained_s = await _restart(server, crowds)
        await asyncio.sleep(pace.send_s)
        await load.finish()
        back_s, settles_s = (killed_s, drained_s), 0.5 if sabotage else SETTLES_S
        return await _compared(crowds, ledger, back_s, exit_code, settles_s)


async def _plans(
    server: Server,
    seeded: SeededTenant,
    *,
    sockets: int,
    processes: int,
    seed: int,
    patience: float,
) -> list[Plan]:
    """What each process of followers is to do."""
    answer = await get(server.port, "/v1/events/cursor", seeded.bearer("ada"))
    start, count = answer.json()["cursor"], sockets // processes
    return [
        Plan(
            port=server.port,
            seeded=seeded,
            count=count,
            cursor=start,
            seed=seed + n,
            patience=patience,
        )
        for n in range(processes)
    ]


async def _restart(server: Server, crowds: Sequence[LoadClients]) -> float:
    """Start a server that has ended; answers the seconds until everybody follows again."""
    began = time.monotonic()
    server.start()
    await server.wait_ready()
    await _all_back(crowds)
    return time.monotonic() - began


async def _all_back(crowds: Sequence[LoadClients]) -> float:
    return max(await asyncio.gather(*(each.all_reconnected(BACK_WITHIN) for each in crowds)))


async def _compared(
    crowds: Sequence[LoadClients],
    ledger: ConsistencyCheck,
    back_s: tuple[float, float],
    exit_code: int,
    settles_s: float,
) -> StormResult:
    """What everybody was told, when all is told or there is no hope any more."""
    sent, until = dict.fromkeys(ledger.told, 0.0), time.monotonic() + settles_s
    heard = [await each.report(sent) for each in crowds]
    while any(each.missed for each in heard) and time.monotonic() < until:
        await asyncio.sleep(0.2)
        heard = [await each.report(sent) for each in crowds]
    return StormResult(
        sockets=sum(each.count for each in crowds),
        acknowledged=len(ledger.told),
        returns=sum([(await each.state()).returns for each in crowds]),
        killed_s=round(back_s[0], 1),
        drained_s=round(back_s[1], 1),
        missed=sum(each.missed for each in heard),
        doubled=sum(each.doubled for each in heard),
        resets=sum(each.resets for each in heard),
        exit_code=exit_code,
    )


RIG = Rig(
    name="reconnect_storm",
    title="5,000 sockets reconnect at once, after a kill -9 of the server and after it drained",
    goal="all connected, 0 gaps, time stated",
    run=run,
)
