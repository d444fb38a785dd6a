"""A short run of the rig of old cursors; and a server that reads the whole log makes it fail."""

from pathlib import Path

from chaos.old_cursors import MAX_OWN_EVENTS, RIG, catch_up
from chaos.rig import RigSettings
from chaos.servers import ServerHome


async def test_events_of_others_cost_a_reader_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    assert not figure.counts["missed"], figure
    assert 0 < figure.counts["events_read"] <= MAX_OWN_EVENTS, figure


async def test_planted_a_server_that_reads_the_whole_log_is_detected(tmp_path: Path) -> None:
    result = await catch_up(ServerHome(tmp_path), 5, 500, fault="reads_whole_log")
    assert not result.missed and result.events_read > 500, result
