"""A short run of the reconnect rig; and a server that skips an event makes it fail."""

from pathlib import Path

from chaos.reconnect_storm import RIG, SHORT, StormResult, storm
from chaos.rig import RigSettings
from chaos.servers import ServerHome

SOCKETS = 40


async def short(folder: Path, fault: str) -> StormResult:
    settings = RigSettings(folder=folder)
    return await storm(ServerHome(folder), SOCKETS, settings, size=SHORT, processes=1, fault=fault)


async def test_all_reconnect_and_miss_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    assert figure.ok, figure.line
    assert figure.counts["reconnects"] >= 2 * SOCKETS and figure.counts["acknowledged"], figure


async def test_planted_a_server_that_skips_an_event_is_detected(tmp_path: Path) -> None:
    result = await short(tmp_path, "cursor_off_by_one")
    assert result.missed, result
