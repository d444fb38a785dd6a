"""`python -m chaos.dashboard_picture docs/dashboard.svg`: the Grafana dashboard as a picture.

Grafana does not draw it: a real Prometheus evaluates the expressions of the dashboard for some
minutes in which two workers serve every dialect and faults of the rig `alerts` come and go, and
chaos/panels_svg.py draws each panel in its place, with its unit and legend.
"""

import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from chaos import alert_faults as faults
from chaos.alert_faults import Fault, World
from chaos.alerts import DASHBOARD, RULES, WORKERS, alert_world, streaming
from chaos.http_client import Request
from chaos.panels_svg import Series, draw
from chaos.rig import RigSettings
from chaos.seed import home_engine
from koine.engine.webhooks import endpoints
from koine.engine.webhooks.endpoints import NewEndpoint
from koine.model.actor import operator
from tests.support.dashboard import filled
from tests.support.nats import NatsCluster
from tests.support.prometheus import Prometheus, quick
from tests.support.webhook_receiver import running_receiver

SENDERS = 4
RATE_INTERVAL = "15s"
STEP_S = 2.0
CALM_S = 25.0
"""Seconds without a fault, before each and at the end."""
FAULTS: tuple[tuple[Fault, float], ...] = (
    (faults.worker_killed, 5.0),
    (faults.wrong_passwords, 15.0),
    (faults.database_cut, 12.0),
    (faults.bus_killed, 12.0),
    (faults.rows_locked, 15.0),
    (faults.folder_gone, 10.0),
)
"""What is done, and for how many seconds."""


async def picture(settings: RigSettings) -> str:
    """Run the server under load and faults; return the SVG."""
    with settings.databases() as new_database, NatsCluster(1).start() as bus:
        async with alert_world(settings, new_database(), bus) as world:
            world.server.start()
            await world.server.wait_ready()
            rules = quick(RULES.read_text())
            with Prometheus(settings.folder / "prometheus", world.metrics_ports, rules) as watching:
                began = time.time()
                await _work(settings, world)
                return _drawn(watching, (began, time.time()))


async def _work(settings: RigSettings, world: World) -> None:
    async with faults.no_backup(world):
        pass
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_receiving(world))
        for _ in range(SENDERS):
            await stack.enter_async_context(_sending(world))
        for protocol in ("native", "delivery", "helpdesk", "chats"):
            await stack.enter_async_context(streaming(world, protocol, seconds=40.0))
        for fault, seconds in FAULTS:
            await asyncio.sleep(CALM_S)
            settings.log(fault.__name__)
            async with fault(world):
                await asyncio.sleep(seconds)
        await asyncio.sleep(CALM_S)


@asynccontextmanager
async def _receiving(world: World) -> AsyncIterator[None]:
    """Two webhook endpoints: one that responds, one at which nothing listens."""
    actor = operator(world.tenant.tenant_id)
    async with running_receiver() as receiver:
        receiver.keeps_requests = False
        async with home_engine(world.direct_home, {"outbound_allow": "127.0.0.1"}) as engine:
            for url in (f"{receiver.url}/", faults.UNUSED):
                kinds = ("message.created",)
                new = NewEndpoint(dialect="native", url=url, kinds=kinds, name="example")
                await endpoints.create(engine, actor, new)
        yield


@asynccontextmanager
async def _sending(world: World) -> AsyncIterator[None]:
    """A client that lists and sends in every dialect, a new message each time."""

    async def work() -> None:
        while True:
            await faults.call(world, world.sends.new().request)
            listed = Request("GET", "/v1/conversations", world.tenant.bearer("ada"))
            await faults.call(world, listed)
            await asyncio.sleep(0.05)

    async with faults.meanwhile(work()):
        yield


def _drawn(prometheus: Prometheus, span: tuple[float, float]) -> str:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    minutes = (span[1] - span[0]) / 60
    return draw(
        f"Koine: {WORKERS} workers, {minutes:.0f} minutes with a worker killed, wrong passwords, "
        "the database cut, the bus killed, rows locked, and no folder for uploads",
        [(panel, _series(prometheus, panel, span)) for panel in panels],
        span,
    )


def _series(
    prometheus: Prometheus, panel: dict[str, Any], span: tuple[float, float]
) -> list[Series]:
    begin = span[0] if panel["type"] == "timeseries" else span[1] - STEP_S
    return [
        Series(_legend(target["legendFormat"], found["metric"]), _points(found["values"]))
        for target in panel.get("targets", [])
        for found in prometheus.query_range(
            filled(target["expr"], RATE_INTERVAL), begin, span[1], STEP_S
        )
    ]


def _points(values: list[tuple[float, str]]) -> list[tuple[float, float]]:
    return [(at, float(value)) for at, value in values if value not in ("NaN", "+Inf")]


def _legend(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), text)


def main() -> None:
    """Write the picture to the file of the command line."""
    (file,) = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="koine-picture-") as folder:
        settings = RigSettings(folder=Path(folder), log=_log)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            Path(file).write_text(loop.run(picture(settings)))


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
