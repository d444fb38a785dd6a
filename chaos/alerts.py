"""Each alert of deploy/prometheus/alerts.yaml, fired by a real fault and cleared when it is mended.

A real Prometheus scrapes two workers on PostgreSQL and NATS (in the short run one process), and
evaluates the rules with the same expressions, without waiting (tests/support/prometheus.py). When
a fault is mended, no alert may fire any more. At the end every expression of the Grafana dashboard
is evaluated against what was scraped.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct, structs

from chaos import alert_faults as faults
from chaos.alert_faults import Fault, World
from chaos.http_client import HOST
from chaos.rig import Figure, Rig, RigSettings
from chaos.seed import seed
from chaos.sends import Sends
from chaos.servers import ROOT, ServerHome, unstarted
from chaos.small_disk import NoSmallDisk, SmallDisk, small_disk
from chaos.stream_client import Disconnects, StreamClient
from chaos.stream_parsers import UnexpectedStatus
from chaos.stream_protocols import PROTOCOLS
from chaos.tcp_gate import TcpGate
from tests.support.dashboard import expressions
from tests.support.nats import NatsCluster
from tests.support.ports import free_ports
from tests.support.prometheus import Prometheus, quick

RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "koine.json"
WORKERS = 2
WITHIN_S = 90.0
"""Within how many seconds an alert must fire, and be gone after its fault was mended."""
DISK_BYTES = 64 << 20


class Trial(Struct, frozen=True):
    """A fault and the alerts that it must fire, within `within_s` seconds; others may fire, too.
    `short`: it is part of the short run, as it takes a few seconds only."""

    fault: Fault
    alerts: tuple[str, ...]
    short: bool = False
    needs_disk: bool = False
    within_s: float = WITHIN_S


TRIALS = (
    Trial(faults.no_backup, ("KoineBackupTooOld", "KoineBackupNotVerified"), short=True),
    Trial(faults.backups_fail, ("KoineBackupFails",)),
    Trial(faults.killed, ("KoineDown",), short=True),
    Trial(
        faults.database_cut,
        ("KoineDatabaseUnavailable", "KoineNotReady", "KoineErrors"),
        short=True,
    ),
    Trial(faults.bus_killed, ("KoineBusDisconnected",), short=True),
    Trial(faults.worker_killed, ("KoineWorkersRestart",)),
    Trial(faults.wrong_passwords, ("KoineFailedLogins",)),
    Trial(faults.folder_gone, ("KoineUploadsFail",)),
    Trial(faults.few_files, ("KoineFilesExhausted",)),
    Trial(faults.newer_schema, ("KoineVersionsDiffer",)),
    Trial(faults.rows_locked, ("KoineSlow", "KoineDatabaseConnectionsExhausted")),
    Trial(faults.dispatchers_held, ("KoineWebhooksOverdue", "KoineWebhookQueueOld")),
    Trial(faults.open_transaction, ("KoineEventsLate", "KoineEventQueueOld")),
    Trial(faults.disk_full, ("KoineDiskLow",), needs_disk=True),
)
SHORT = tuple(trial for trial in TRIALS if trial.short)


class AlertResult(Struct, frozen=True):
    """What was seen: alerts that did not fire or did not clear, those that fired without a fault,
    the longest time until one fired (in seconds), and expressions of the dashboard that are wrong
    or find nothing."""

    tried: list[str]
    missed: list[str]
    stuck: list[str]
    false: list[str]
    slowest_s: float
    bad_expressions: list[str]

    @property
    def ok(self) -> bool:
        """Each fired and cleared, none without a fault, and the dashboard is right."""
        return not (self.missed or self.stuck or self.false or self.bad_expressions)


async def run(settings: RigSettings) -> Figure:
    """Try the faults one after another."""
    return figure(await measure(settings, SHORT if settings.short else TRIALS))


def figure(result: AlertResult) -> Figure:
    """The figure of a result."""
    return Figure(
        rig=RIG.name,
        params={"workers": WORKERS},
        counts={
            "tried": len(result.tried),
            "missed": len(result.missed),
            "stuck": len(result.stuck),
            "false": len(result.false),
            "bad_expressions": len(result.bad_expressions),
            "slowest_s": round(result.slowest_s, 1),
        },
        ok=result.ok,
        line=f"{len(result.tried):,} alerts tried: {len(result.missed):,} did not fire, "
        f"{len(result.stuck):,} did not clear, {len(result.false):,} fired without a fault; the "
        f"slowest within {result.slowest_s:.0f} s; {len(result.bad_expressions):,} expressions of "
        f"the dashboard without data{_names(result)}",
    )


async def measure(
    settings: RigSettings, trials: Sequence[Trial], rules: str | None = None
) -> AlertResult:
    """Start a server and Prometheus, and try each fault. `rules` replace those of the file: a
    planted fault of a test."""
    text = quick(RULES.read_text() if rules is None else rules)
    with settings.databases() as new_database, NatsCluster(1).start() as bus:
        async with alert_world(settings, new_database(), bus) as world:
            world.server.start()
            await world.server.wait_ready()
            with Prometheus(
                settings.folder / "prometheus", world.metrics_ports, text
            ) as prometheus:
                return await _try(settings, world, trials, prometheus)


async def _try(
    settings: RigSettings, world: World, trials: Sequence[Trial], prometheus: Prometheus
) -> AlertResult:
    missed: list[str] = []
    stuck: list[str] = []
    tried: list[str] = []
    slowest = 0.0
    false: set[str] = set()
    for trial in trials:
        if trial.needs_disk and world.disk is None:
            settings.log(f"{trial.alerts}: no disk can be mounted here")
            continue
        async with trial.fault(world):
            began = time.monotonic()
            not_fired = await _wait(prometheus, set(trial.alerts), trial.within_s, fire=True)
            slowest = max(slowest, time.monotonic() - began)
        tried += trial.alerts
        missed += sorted(not_fired)
        # All of them: what is left when a fault was mended is false.
        left = await _wait(prometheus, set(), WITHIN_S, fire=False)
        stuck += sorted(left & set(trial.alerts))
        false |= left - set(trial.alerts)
        settings.log(f"{', '.join(trial.alerts)}: missed {not_fired}, left {left}")
    async with faults.repeating(world, world.sends.new("native").request), streaming(world):
        bad = await _bad_expressions(prometheus)
    return AlertResult(tried, missed, stuck, sorted(false), slowest, bad)


async def _wait(
    prometheus: Prometheus, wanted: set[str], within_s: float, *, fire: bool
) -> set[str]:
    """Wait until the wanted alerts fire, or until none does; returns what is missing, or left."""
    until = time.monotonic() + within_s
    while True:
        firing = await asyncio.to_thread(prometheus.firing)
        rest = wanted - firing if fire else firing
        if not rest or time.monotonic() > until:
            return rest
        await asyncio.sleep(0.2)


@asynccontextmanager
async def streaming(
    world: World, protocol: str = "native", seconds: float = 2.0
) -> AsyncIterator[None]:
    """A client follows a stream, disconnects after some seconds and resumes, again and again."""
    reader = StreamClient(PROTOCOLS[protocol], world.tenant, cursor="")

    async def work() -> None:
        while True:
            with suppress(OSError, TimeoutError, UnexpectedStatus):
                await reader.follow(world.server.port, Disconnects(seconds=seconds))
            await asyncio.sleep(0.1)

    async with faults.meanwhile(work()):
        yield


async def _bad_expressions(prometheus: Prometheus) -> list[str]:
    """The expressions of the dashboard that are wrong, or find nothing within some seconds."""
    bad = expressions(DASHBOARD)
    until = time.monotonic() + 20
    while bad and time.monotonic() < until:
        bad = [each for each in bad if not await asyncio.to_thread(_finds, prometheus, each)]
        await asyncio.sleep(0.5)
    return bad


def _finds(prometheus: Prometheus, expression: str) -> bool:
    try:
        return bool(prometheus.query(expression))
    except ValueError:
        return False


def _names(result: AlertResult) -> str:
    wrong = [*result.missed, *result.stuck, *result.false, *result.bad_expressions]
    return f" ({', '.join(wrong)})" if wrong else ""


@asynccontextmanager
async def alert_world(settings: RigSettings, url: str, bus: NatsCluster) -> AsyncIterator[World]:
    """A server on this database and bus that is not started yet, and what is to be damaged."""
    parts = urlsplit(url)
    direct = ServerHome(settings.folder / "home", url)
    tenant = await seed(direct)
    with ExitStack() as stack:
        disk = None if settings.short else _disk(settings, stack)
        async with TcpGate(parts.port or 5432) as gate:
            user = parts.netloc.rpartition("@")[0]
            netloc = f"{user}@{HOST}:{gate.port}" if user else f"{HOST}:{gate.port}"
            home = structs.replace(direct, database_url=urlunsplit(parts._replace(netloc=netloc)))
            workers = settings.pick(WORKERS, 1)
            with unstarted(home, workers=workers, settings=_settings(bus, disk)) as (server,):
                sends = Sends(tenant, settings.random())
                yield World(server, home, url, gate, bus, tenant, sends, disk)


def _disk(settings: RigSettings, stack: ExitStack) -> SmallDisk | None:
    try:
        return stack.enter_context(small_disk(settings.folder / "disk", DISK_BYTES))
    except NoSmallDisk as error:
        settings.log(str(error))
        return None


def _settings(bus: NatsCluster, disk: SmallDisk | None) -> dict[str, object]:
    given: dict[str, object] = {
        "metrics_port": free_ports(WORKERS)[0],
        "nats_url": bus.url,
        "login_rate_limit_per_minute": 0,
        "pool_size": 3,
        "outbound_allow": HOST,
        "outbound_http": True,
    }
    return given if disk is None else given | {"data_dir": str(disk.path)}


RIG = Rig(
    name="alerts",
    title="faults of a server that Prometheus watches: killed, database and bus cut, no backup, "
    "full disk, and others",
    goal="each alert fires within 90 s and clears when the fault is mended, none fires without one",
    run=run,
)
