import random
from pathlib import Path

from chaos.cutting_proxy import Point
from chaos.response_loss import cut_sends
from chaos.sends import DIALECTS
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres

RNG = random.Random(5)
CONVERSATIONS = 60


async def test_cut_sends_arrive_once_on_sqlite(tmp_path: Path) -> None:
    result = await cut_sends(ServerHome(tmp_path), 300, RNG, conversations=CONVERSATIONS)
    assert result.ok, result
    assert min(result.cuts[point.name.lower()] for point in Point) > 20
    assert min(result.dialects[name] for name in DIALECTS) > 5


async def test_cut_sends_arrive_once_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    result = await cut_sends(
        ServerHome(tmp_path, shared_postgres.new_empty_database()),
        200,
        RNG,
        conversations=CONVERSATIONS,
    )
    assert result.ok, result


async def test_planted_retries_without_a_key_double_messages(tmp_path: Path) -> None:
    result = await cut_sends(
        ServerHome(tmp_path), 60, RNG, conversations=CONVERSATIONS, keys="none"
    )
    assert result.consistency.doubled > 10
