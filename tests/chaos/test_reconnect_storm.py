"""A small storm, and a server that begins anew for everyone, which the rig must find out."""

from pathlib import Path

from chaos.reconnect_storm import BRIEFLY, RIG, StormResult, storm
from chaos.rig import RigSettings
from chaos.servers import ServerHome

SOCKETS = 60


async def stormed(folder: Path, sabotage: str) -> StormResult:
    settings = RigSettings(folder=folder)
    return await storm(
        ServerHome(folder), SOCKETS, settings, pace=BRIEFLY, processes=2, sabotage=sabotage
    )


async def test_all_come_back_and_miss_nothing(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=SOCKETS, short=True))
    assert figure.ok, figure.line
    assert figure.counts["returns"] >= 2 * SOCKETS and figure.counts["acknowledged"], figure


async def test_planted_a_server_that_skips_one_event_is_found_out(tmp_path: Path) -> None:
    done = await stormed(tmp_path, "cursor_off_by_one")
    assert done.missed, done
