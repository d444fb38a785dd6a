"""A few rolling restarts; and servers that exit without a drain make the rig fail."""

import random
from pathlib import Path

from chaos.rig import FEW_CONVERSATIONS, RigSettings
from chaos.rolling import RIG, restart_in_turn
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres


async def test_rolling_restarts_cause_no_error(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    assert figure.counts["acknowledged"] > 20, figure


async def test_planted_a_server_that_exits_at_once_causes_errors(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    result = await restart_in_turn(
        home,
        2,
        random.Random(1),
        conversations=FEW_CONVERSATIONS,
        drain_seconds=0,
        fault="exit_without_drain",
    )
    assert result.errors or result.failed_exits, result
