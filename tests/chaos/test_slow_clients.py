"""A few strangers, and a server that waits for ever, which the rig must find out."""

from pathlib import Path

from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.slow_clients import MAX_GROWTH_BYTES, RIG, attack


async def test_strangers_are_sent_away_and_others_hardly_notice(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=12, short=True))
    counts = figure.counts
    assert not counts["left"] and counts["grown"] <= MAX_GROWTH_BYTES, figure
    assert counts["answers"] and counts["sent"] and counts["p99_s"] < 2, figure


async def test_planted_a_server_that_waits_for_ever_keeps_them(tmp_path: Path) -> None:
    seen = await attack(ServerHome(tmp_path), 6, sabotage="no_deadlines")
    assert seen.left >= 12, seen
