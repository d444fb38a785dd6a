"""A few slow clients; and a server without deadlines makes the rig fail."""

from pathlib import Path

from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.slow_clients import MAX_GROWTH_BYTES, RIG, attack


async def test_slow_clients_are_disconnected_and_others_not_delayed(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    counts = figure.counts
    assert not counts["still_open"] and counts["growth_bytes"] <= MAX_GROWTH_BYTES, figure
    assert counts["responses"] and counts["sent"] and counts["p99_s"] < 2, figure


async def test_planted_a_server_without_deadlines_keeps_them_connected(tmp_path: Path) -> None:
    result = await attack(ServerHome(tmp_path), 6, 1, close_within_s=1.0, fault="no_deadlines")
    assert result.still_open >= 12, result
