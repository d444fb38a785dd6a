"""A few slow readers, and a server that queues without end, which the rig must find out."""

from pathlib import Path

from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.slow_readers import RIG, SlowReadersSize, slow


async def test_who_does_not_read_is_let_go_and_misses_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=30, short=True))
    counts = figure.counts
    assert counts["grown"] <= counts["bound"] and not counts["stuck"], figure
    assert not counts["missed"] and not counts["resets"], figure
    assert counts["p99_with_s"] < 2, figure


async def test_planted_a_server_without_bounds_grows(tmp_path: Path) -> None:
    flood = SlowReadersSize(messages=16, length=140_000, every_s=0.05, write_seconds=1)
    done = await slow(
        ServerHome(tmp_path), 60, flood, RigSettings(folder=tmp_path), sabotage="unbounded_queue"
    )
    assert done.grown > done.bound and done.stuck, done
