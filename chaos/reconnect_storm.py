"""All clients of a server reconnect at the same time: after a kill, and after a drain.

Thousands of streams and WebSockets follow one server. It is killed with SIGKILL and started again,
then stopped with SIGTERM and started again, while messages are sent. The rig measures the time
until all are connected again, and counts messages that a client missed or received twice.
"""

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import get
from chaos.retrying_senders import RetryingSenders
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, nodes
from chaos.stream_readers import Plan, StreamReaders, stream_readers

SOCKETS = 5_000
PROCESSES = 4
CONVERSATIONS = 50
RECONNECT_TIMEOUT_S = 180.0
RECEIVE_TIMEOUT_S = 20.0


class StormSize(Struct, frozen=True):
    """`send_s`: for how many seconds messages are sent before and after a restart, one every
    `pause_s` (each goes to thousands of clients); `retry_share`: the share of the pause asked for
    by a draining server that clients wait."""

    send_s: float = 8.0
    pause_s: float = 4.0
    retry_share: float = 1.0


LONG = StormSize()
SHORT = StormSize(send_s=0.5, pause_s=0.05, retry_share=0.05)
"""For a test."""


class StormResult(Struct, frozen=True):
    """The result of both restarts. The seconds are from the start of the new process until all
    clients follow again; after the drain they include the pause that the server asked for."""

    sockets: int
    acknowledged: int
    reconnects: int
    killed_s: float
    drained_s: float
    missed: int
    doubled: int
    resets: int
    exit_code: int

    @property
    def ok(self) -> bool:
        """Nothing missed or doubled, and a clean exit."""
        return not (self.missed or self.doubled or self.resets or self.exit_code)


async def run(settings: RigSettings) -> Figure:
    """Measure one server on SQLite, with clients in processes of their own."""
    sockets = settings.trials(SOCKETS, 40)
    size = SHORT if settings.short else LONG
    home, processes = ServerHome(settings.folder), settings.pick(PROCESSES, 1)
    result = await storm(home, sockets, settings, size=size, processes=processes)
    return Figure(
        rig=RIG.name,
        params={"sockets": sockets},
        counts={name: getattr(result, name) for name in result.__struct_fields__},
        ok=result.ok,
        line=f"{sockets:,} sockets all connected {result.killed_s:.1f} s after the start of a "
        f"server that was killed, {result.drained_s:.1f} s after that of one that drained (it asks "
        f"each to wait 1 to 10 s); {result.missed:,} events missed, {result.doubled:,} doubled",
    )


async def storm(
    home: ServerHome,
    sockets: int,
    settings: RigSettings,
    *,
    size: StormSize = LONG,
    processes: int = PROCESSES,
    fault: str = "",
) -> StormResult:
    """Let `sockets` clients follow one server, which is killed and later stopped with SIGTERM."""
    tenant, check = await seed(home, CONVERSATIONS), ConsistencyCheck()
    async with nodes(home, fault=fault) as (server,), AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(stream_readers(plan))
            for plan in await _plans(
                server, tenant, sockets=sockets, processes=processes, seed=settings.seed,
                retry_share=size.retry_share,
            )
        ]  # fmt: skip
        settings.log(f"all follow after {await _all_reconnected(clients):.1f} s")
        sends = Sends(tenant, settings.random(), keys="own")
        load = RetryingSenders(server.port, sends, check, 1, pause_s=size.pause_s)
        load.start()
        await asyncio.sleep(size.send_s)
        server.kill()
        killed_s = await _restart(server, clients)
        settings.log(f"all connected after {killed_s:.1f} s")
        await asyncio.sleep(size.send_s)
        server.send_signal(signal.SIGTERM)
        exit_code = await server.ended()
        drained_s = await _restart(server, clients)
        await asyncio.sleep(size.send_s)
        await load.finish()
        seconds, timeout_s = (killed_s, drained_s), 0.5 if fault else RECEIVE_TIMEOUT_S
        return await _result(clients, check, seconds, exit_code, timeout_s)


async def _plans(
    server: Server,
    tenant: SeededTenant,
    *,
    sockets: int,
    processes: int,
    seed: int,
    retry_share: float,
) -> list[Plan]:
    """The plan of each process of clients."""
    response = await get(server.port, "/v1/events/cursor", tenant.bearer("ada"))
    cursor, count = response.json()["cursor"], sockets // processes
    return [
        Plan(
            port=server.port,
            tenant=tenant,
            count=count,
            cursor=cursor,
            seed=seed + n,
            retry_share=retry_share,
        )
        for n in range(processes)
    ]


async def _restart(server: Server, clients: Sequence[StreamReaders]) -> float:
    """Start a server that has ended; return the seconds until all clients follow again."""
    began = time.monotonic()
    server.start()
    await server.wait_ready()
    await _all_reconnected(clients)
    return time.monotonic() - began


async def _all_reconnected(clients: Sequence[StreamReaders]) -> float:
    return max(
        await asyncio.gather(*(each.all_reconnected(RECONNECT_TIMEOUT_S) for each in clients))
    )


async def _result(
    clients: Sequence[StreamReaders],
    check: ConsistencyCheck,
    seconds: tuple[float, float],
    exit_code: int,
    timeout_s: float,
) -> StormResult:
    """What the clients received, once that is everything or the time is over."""
    sent, until = dict.fromkeys(check.acknowledged, 0.0), time.monotonic() + timeout_s
    reports = [await each.report(sent) for each in clients]
    while any(each.missed for each in reports) and time.monotonic() < until:
        await asyncio.sleep(0.2)
        reports = [await each.report(sent) for each in clients]
    return StormResult(
        sockets=sum(each.count for each in clients),
        acknowledged=len(check.acknowledged),
        reconnects=sum([(await each.state()).reconnects for each in clients]),
        killed_s=round(seconds[0], 1),
        drained_s=round(seconds[1], 1),
        missed=sum(each.missed for each in reports),
        doubled=sum(each.doubled for each in reports),
        resets=sum(each.resets for each in reports),
        exit_code=exit_code,
    )


RIG = Rig(
    name="reconnect_storm",
    title="5,000 sockets reconnect at once, after a kill -9 of the server and after it drained",
    goal="all connected, 0 gaps, time stated",
    run=run,
)
