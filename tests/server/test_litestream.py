"""Litestream follows our SQLite file beside our own checkpoints, and restores a point in time."""

import asyncio
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from chaos.seed import home_engine
from chaos.servers import ServerHome
from koine.engine import tenants
from koine.engine.core.engine import Engine
from koine.kit.clock import SystemClock
from koine.kit.times import iso_ms
from koine.store import server_values
from tests.cli.terminal import Terminal
from tests.support.litestream import Litestream

WITHIN_SECONDS = 60
EPOCH = "event_epoch"


def slugs(file: Path) -> set[str]:
    with closing(apsw.Connection(str(file))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {str(slug) for (slug,) in connection.execute("SELECT slug FROM tenants")}


async def replicated(litestream: Litestream, copy: Path, slug: str) -> None:
    """Return when the newest copy has the tenant."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while not litestream.restore(copy) or slug not in slugs(copy):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def with_log_emptied(engine: Engine, file: Path) -> None:
    """Write until our checkpoints have moved what was written into the file."""
    before = file.stat().st_size
    async with asyncio.timeout(WITHIN_SECONDS):
        while file.stat().st_size <= before:
            await engine.db.write("", server_values.put, "filler", "x" * 2_000_000)
            await asyncio.sleep(0.2)


def test_a_point_in_time_is_restored_with_a_new_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    home, copy = ServerHome(tmp_path / "home"), tmp_path / "then.db"
    epoch = asyncio.run(copied(home, tmp_path, copy))
    backup, elsewhere = tmp_path / "then.tar", Terminal(tmp_path / "elsewhere")
    Terminal(home.folder / "data").run("backup", str(backup), "--database", f"sqlite:///{copy}")
    elsewhere.run("restore", str(backup))
    assert [each["slug"] for each in elsewhere.json("tenant", "list")] == ["before"]
    with closing(apsw.Connection(str(elsewhere.folder / "koine.db"))) as connection:
        found = connection.execute("SELECT value FROM server WHERE name = ?", (EPOCH,)).fetchall()
    assert found and found != [(epoch,)]


async def copied(home: ServerHome, folder: Path, copy: Path) -> str | None:
    """Write `copy` as the database was before a second tenant was created; returns the epoch."""
    async with home_engine(home) as engine:
        file = home.folder / "data" / "koine.db"
        with Litestream(file, folder) as litestream:
            await tenants.create(engine, "Before", "before")
            await with_log_emptied(engine, file)
            await replicated(litestream, copy, "before")
            then = iso_ms(SystemClock().now())
            await asyncio.sleep(1)  # what is written next is not of the same second
            await tenants.create(engine, "After", "after")
            await replicated(litestream, copy, "after")
            assert litestream.restore(copy, then)
            assert slugs(copy) == {"before"}
            assert "level=ERROR" not in litestream.log()
        return await engine.db.read("", server_values.get, EPOCH)
