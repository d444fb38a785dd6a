"""A few readers with an old cursor, and a server that shows them the whole log's cost."""

from pathlib import Path

from chaos.old_cursors import OWN_AT_MOST, RIG, catch_up
from chaos.rig import RigSettings
from chaos.servers import ServerHome


async def test_what_others_said_costs_a_reader_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=1_000, short=True))
    assert not figure.counts["missed"], figure
    assert 0 < figure.counts["looked_at"] <= OWN_AT_MOST, figure


async def test_planted_a_server_that_reads_all_in_order_is_found_out(tmp_path: Path) -> None:
    done = await catch_up(ServerHome(tmp_path), 5, 1_000, sabotage="reads_whole_log")
    assert not done.missed and done.looked_at > 1_000, done
