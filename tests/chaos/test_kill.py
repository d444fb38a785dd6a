import random
from pathlib import Path

from chaos.kill import kill
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres

DICE = random.Random(7)
CONVERSATIONS = 60


async def test_what_was_told_outlives_kills_on_sqlite(tmp_path: Path) -> None:
    killed = await kill(ServerHome(tmp_path), 8, DICE, conversations=CONVERSATIONS)
    assert killed.ok, killed
    assert killed.verdict.acknowledged > 20
    assert killed.answers["cut"] > 8


async def test_what_was_told_outlives_kills_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    # The dialects' own keys: a header's is held for the dead process for a minute.
    killed = await kill(home, 4, DICE, conversations=CONVERSATIONS, keys="own")
    assert killed.ok, killed
    assert killed.verdict.acknowledged > 10


async def test_planted_a_server_that_answers_before_it_commits_loses(tmp_path: Path) -> None:
    killed = await kill(
        ServerHome(tmp_path), 8, DICE, conversations=CONVERSATIONS, sabotage="early_answer"
    )
    assert killed.verdict.lost > 0


async def test_planted_clients_without_a_key_double(tmp_path: Path) -> None:
    killed = await kill(ServerHome(tmp_path), 15, DICE, conversations=CONVERSATIONS, keys="none")
    assert killed.verdict.doubled > 0
