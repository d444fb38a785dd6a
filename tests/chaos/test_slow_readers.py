"""A few slow readers; and a server with unbounded queues makes the rig fail."""

from pathlib import Path

from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.slow_readers import RIG, SlowReadersSize, stop_reading


async def test_slow_readers_are_disconnected_and_miss_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    counts = figure.counts
    assert counts["growth_bytes"] <= counts["max_growth_bytes"] and not counts["not_closed"], figure
    assert not counts["missed"] and not counts["resets"], figure
    assert counts["p99_with_s"] < 2, figure


async def test_planted_an_unbounded_queue_grows(tmp_path: Path) -> None:
    size = SlowReadersSize(messages=16, length=140_000, interval_s=0.05, write_seconds=1)
    result = await stop_reading(
        ServerHome(tmp_path), 60, size, RigSettings(folder=tmp_path), fault="unbounded_queue"
    )
    assert result.growth_bytes > result.max_growth_bytes and result.not_closed, result
