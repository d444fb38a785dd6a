"""A short run of the growth rig; and a server without budgets makes it fail."""

from pathlib import Path

from chaos.growth import RIG, SHORT_BUDGETS, budget_sum, upload_until_refused
from chaos.rig import RigSettings
from chaos.servers import ServerHome

CALLS = 800


async def test_anonymous_growth_is_bounded(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    assert figure.ok, figure


async def test_planted_a_server_without_budgets_grows(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    result = await upload_until_refused(home, CALLS, SHORT_BUDGETS, fault="no_budgets")
    assert result.bytes > budget_sum(SHORT_BUDGETS), result
    assert result.accepted > CALLS // 2, result
