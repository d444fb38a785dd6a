import random
from pathlib import Path

from chaos.kill import kill
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres

RNG = random.Random(7)
CONVERSATIONS = 60


async def test_acknowledged_messages_survive_kills_on_sqlite(tmp_path: Path) -> None:
    result = await kill(ServerHome(tmp_path), 8, RNG, conversations=CONVERSATIONS)
    assert result.ok, result
    assert result.consistency.acknowledged > 20
    assert result.responses["cut"] > 8


async def test_acknowledged_messages_survive_kills_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    # The dialects' own keys: a header's is held for the killed process for a minute.
    result = await kill(home, 4, RNG, conversations=CONVERSATIONS, keys="own")
    assert result.ok, result
    assert result.consistency.acknowledged > 10


async def test_planted_a_response_before_the_commit_loses_messages(tmp_path: Path) -> None:
    result = await kill(
        ServerHome(tmp_path), 8, RNG, conversations=CONVERSATIONS, fault="response_before_commit"
    )
    assert result.consistency.lost > 0


async def test_planted_retries_without_a_key_double_messages(tmp_path: Path) -> None:
    result = await kill(ServerHome(tmp_path), 15, RNG, conversations=CONVERSATIONS, keys="none")
    assert result.consistency.doubled > 0
