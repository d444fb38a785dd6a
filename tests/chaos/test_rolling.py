"""A few rolling restarts, and servers that go without a word, which the rig must find out."""

import random
from pathlib import Path

from chaos.rig import RigSettings
from chaos.rolling import RIG, restart_in_turn
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres

CONVERSATIONS = 60


async def test_nobody_notices_rolling_restarts(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, n=2, short=True))
    assert figure.ok, figure
    assert figure.counts["acknowledged"] > 20, figure


async def test_planted_a_server_that_goes_at_once_cuts_answers(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    done = await restart_in_turn(
        home,
        2,
        random.Random(1),
        conversations=CONVERSATIONS,
        drain_seconds=0,
        sabotage="exit_without_drain",
    )
    assert done.errors or done.failed, done
