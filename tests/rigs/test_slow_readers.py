"""A few slow readers, and a server that queues without end, which the rig must find out."""

from pathlib import Path

from rigs.figure import RigSettings
from rigs.servers import Home
from rigs.slow_readers import Pace, Slowed, slow

BRIEFLY = Pace(messages=10, length=60_000, every_s=0.1, write_seconds=1)


async def slowed(folder: Path, readers: int, pace: Pace, sabotage: str = "") -> Slowed:
    settings = RigSettings(folder=folder)
    return await slow(Home(folder), readers, pace, settings, sabotage=sabotage)


async def test_who_does_not_read_is_let_go_and_misses_nothing(tmp_path: Path) -> None:
    done = await slowed(tmp_path, 30, BRIEFLY)
    assert done.grown <= done.bound and not done.stuck, done
    assert not done.missed and not done.resets, done
    assert done.p99_with_s < 2, done


async def test_planted_a_server_without_bounds_grows(tmp_path: Path) -> None:
    flood = Pace(messages=16, length=140_000, every_s=0.05, write_seconds=1)
    done = await slowed(tmp_path, 60, flood, "boundless")
    assert done.grown > done.bound and done.stuck, done
