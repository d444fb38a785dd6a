"""A serving process makes backups when they are due, in a process of its own."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from chaos.seed import home_engine
from chaos.servers import ServerHome
from koine.cli.status_screen import plain
from koine.engine.core.engine import Engine
from koine.kit import metrics
from koine.kit.backup_rules import BackupSchedule
from koine.kit.clock import SystemClock
from koine.kit.settings import environment
from koine.kit.times import MINUTE
from koine.server.backup import lease, scheduled
from koine.server.backup.catalog import list_backups
from koine.server.backup.lease import BackupOutcome
from koine.server.backup.scheduled import BackupRunner
from koine.server.backup.target import FolderTarget
from koine.server.serving import serving_app
from koine.server.status import read_status
from tests.support.processes import is_running
from tests.support.shared_postgres import SharedPostgres


class Site:
    """A home, and a folder of scheduled backups."""

    def __init__(self, folder: Path, shared: SharedPostgres | None = None) -> None:
        self.home = ServerHome(folder / "home", shared.new_empty_database() if shared else "")
        self.backups = folder / "backups"
        self.settings: dict[str, object] = {
            "backup_schedule": "1d",
            "backup_to": str(self.backups),
            "backup_keep": "1",
            "postgres_programs": shared.programs() if shared else "",
        }

    @asynccontextmanager
    async def engine(self, **changed: object) -> AsyncIterator[Engine]:
        async with home_engine(self.home, self.settings | changed) as opened:
            yield opened


@pytest.fixture
def site(tmp_path: Path, backend: str, shared_postgres: SharedPostgres) -> Site:
    return Site(tmp_path, shared_postgres if backend == "postgres" else None)


@pytest.fixture
def sqlite_site(tmp_path: Path) -> Site:
    """For what does not depend on the database: each backup is a process, which is not cheap."""
    return Site(tmp_path)


def schedule_of(engine: Engine) -> BackupSchedule:
    found = engine.settings.schedule()
    assert found is not None
    return found


def runner(engine: Engine) -> BackupRunner:
    return BackupRunner(engine, schedule_of(engine))


def counted(outcome: str) -> float:
    labels = {"outcome": outcome}
    return metrics.REGISTRY.get_sample_value("koine_scheduled_backups_total", labels) or 0.0


async def test_of_two_processes_one_makes_a_verified_backup(site: Site) -> None:
    before = counted("done")
    async with site.engine() as engine:
        made = await asyncio.gather(runner(engine).run_if_due(), runner(engine).run_if_due())
        (outcome,) = [each for each in made if each is not None]
        assert outcome.stored and outcome.error == ""
        (found,) = list_backups(FolderTarget(site.backups))
        assert found.where == outcome.backup and found.verified_at is not None
        assert await runner(engine).run_if_due() is None, "the next one is due tomorrow"
        status = await read_status(engine.settings, [])
    assert status.backup is not None and status.backup.file == found.name
    assert (status.backup.schedule, status.backup.failures, status.backup.running_on) == (
        "1d", 0, None,
    )  # fmt: skip
    assert counted("done") == before + 1


async def test_a_serving_process_counts_and_shows_a_failure_and_waits(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "CHECK_SECONDS", 0.01)
    before, missing = counted("failed"), str(sqlite_site.backups / "missing" / "folder")
    async with sqlite_site.engine(backup_to=missing) as engine:
        async with serving_app(engine.settings), asyncio.timeout(60):
            while counted("failed") == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await runner(engine).run_if_due() is None
        known = await engine.db.read("", lease.get)
        assert known.is_due(schedule_of(engine), SystemClock().now() + 15 * MINUTE)
        status = await read_status(engine.settings, [])
    assert status.backup is not None and status.backup.failures == 1
    assert "does not exist" in status.backup.error
    screen = plain(status)
    assert "scheduled: 1d" in screen and "1 failed, the last" in screen
    assert counted("failed") == before + 1


async def test_a_process_that_stops_gives_the_turn_back(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    stop = scheduled._stop

    async def noted(process: "asyncio.subprocess.Process") -> None:
        pids.append(process.pid)
        await stop(process)

    monkeypatch.setattr(scheduled, "_stop", noted)
    with silent_store() as settings:
        async with sqlite_site.engine(**settings) as engine:
            work = asyncio.create_task(runner(engine).run_if_due())
            async with asyncio.timeout(60):
                while not list(  # noqa: ASYNC110
                    (sqlite_site.home.folder / "data").glob(".koine-*/koine-*.tar")
                ):
                    await asyncio.sleep(0.02)
            assert (await engine.db.read("", lease.get)).is_held(SystemClock().now())
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            assert not (await engine.db.read("", lease.get)).holder
    async with asyncio.timeout(60):
        while is_running(pids[0]):  # noqa: ASYNC110  # a process
            await asyncio.sleep(0.02)


def test_the_process_of_a_backup_ends_with_its_parent(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    asyncio.run(create(home))
    with silent_store() as given:
        settings = home.settings({"backup_schedule": "1d", **given})
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "koine.server.backup.process"],
            env={**os.environ, **environment(settings)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        assert process.wait(timeout=60) != 0
        assert process.stdout.read() == b""
        process.stdout.close()


def test_the_process_of_a_backup_says_how_it_went_and_ends_cleanly(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    asyncio.run(create(home))
    settings = home.settings({"backup_to": str(tmp_path / "backups")})
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "koine.server.backup.process"],
        env={**os.environ, **environment(settings)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        # Standard input stays open, as a serving process holds it.
        assert process.stdout is not None and process.stderr is not None
        outcome = msgspec.json.decode(process.stdout.read(), type=BackupOutcome)
        assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")
    assert outcome.stored and Path(outcome.backup).exists()


async def create(home: ServerHome) -> None:
    async with home_engine(home):
        pass


class silent_store:
    """The settings of an S3 store that accepts connections and says nothing."""

    def __enter__(self) -> dict[str, object]:
        self._socket = socket.create_server(("127.0.0.1", 0))
        return {
            "backup_to": "s3://bucket/prefix",
            "s3_endpoint": f"http://127.0.0.1:{self._socket.getsockname()[1]}",
            "s3_access_key": "key",
            "s3_secret_key": "secret",
        }

    def __exit__(self, *_: object) -> None:
        self._socket.close()
