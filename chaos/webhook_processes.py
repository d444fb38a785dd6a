"""Processes that deliver webhooks, for the rig to kill: everything of the product that follows the
event log, without HTTP, and with a clock that the rig moves forward."""

import asyncio
import importlib
import mmap
import multiprocessing
import os
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import uvloop

from koine.engine.core.engine import open_engine
from koine.kit import logs
from koine.kit.outbound import EgressPolicy, OutboundClient
from koine.kit.settings import Settings, environment, load
from koine.server.database import open_database
from koine.server.followers import run_followers
from koine.server.webhook_formats import webhook_formats

_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["chaos.webhook_processes"])


class SteppedClock:
    """The system clock plus an offset in a file, which all processes share."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._skipped = mmap.mmap(opened.fileno(), 8)

    def now(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000 + self.skipped

    @property
    def skipped(self) -> int:
        """The offset, in microseconds."""
        return int.from_bytes(self._skipped[:8], "little")

    def skip(self, us: int) -> None:
        """Increase the offset by so many microseconds. Only one process may do this."""
        self._skipped[:8] = (self.skipped + us).to_bytes(8, "little")


class WebhookProcess:
    """One process on the database of `settings`. A request has a timeout of `timeout_s` seconds;
    `fault` names a module of chaos/planted_faults. No process runs before `start`."""

    def __init__(
        self, settings: Settings, clock: Path, *, timeout_s: float = 15.0, fault: str = ""
    ) -> None:
        self._arguments = (environment(settings), str(clock), timeout_s, fault)
        self._process: ForkServerProcess | None = None
        self.kills = 0

    def start(self) -> None:
        """Start the process, without waiting for it."""
        self._process = _FORK.Process(target=_main, args=self._arguments, daemon=True)
        self._process.start()

    @property
    def runs(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """Send SIGKILL, and wait for the end of the process."""
        if self._process is not None:
            self.kills += 1
            self._process.kill()
            self._process.join()


def _main(given: Mapping[str, str], clock: str, timeout_s: float, fault: str) -> None:
    if fault:
        importlib.import_module(f"chaos.planted_faults.{fault}")
    for name in [name for name in os.environ if name.startswith("KOINE_")]:
        del os.environ[name]
    logs.configure("error", json=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(_send(load(given), SteppedClock(Path(clock)), timeout_s))


async def _send(settings: Settings, clock: SteppedClock, timeout_s: float) -> None:
    formats = webhook_formats(settings.public_url())
    engine = await open_engine(await open_database(settings), clock, settings, formats)
    allowed = EgressPolicy.parse(settings.outbound_allow)
    engine.outbound = OutboundClient(
        allowed, plain_http=settings.outbound_http, timeout_seconds=timeout_s
    )
    async with run_followers(engine):
        await asyncio.Event().wait()
