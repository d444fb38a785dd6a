"""A few greedy callers, and a server that counts nothing, which the rig must find out."""

from pathlib import Path

from chaos.growth import BOUND, RIG, upload_until_refused
from chaos.rig import RigSettings
from chaos.servers import ServerHome

CALLS = 3000


async def test_what_strangers_add_is_bounded(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=CALLS, short=True))
    assert figure.ok, figure


async def test_planted_a_server_that_counts_nothing_grows_and_grows(tmp_path: Path) -> None:
    grown = await upload_until_refused(ServerHome(tmp_path), CALLS, sabotage="no_budgets")
    assert grown.bytes > BOUND, grown
    assert grown.done > CALLS // 2, grown
