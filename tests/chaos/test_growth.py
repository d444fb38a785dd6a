"""A short run of the growth rig; and a server without budgets makes it fail."""

from pathlib import Path

from chaos.growth import BUDGET_SUM, RIG, upload_until_refused
from chaos.rig import RigSettings
from chaos.servers import ServerHome

CALLS = 3000


async def test_anonymous_growth_is_bounded(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=CALLS, short=True))
    assert figure.ok, figure


async def test_planted_a_server_without_budgets_grows(tmp_path: Path) -> None:
    result = await upload_until_refused(ServerHome(tmp_path), CALLS, fault="no_budgets")
    assert result.bytes > BUDGET_SUM, result
    assert result.accepted > CALLS // 2, result
