import random
from pathlib import Path

from chaos.cutting_proxy import Point
from chaos.response_loss import cut_sends
from chaos.sends import DIALECTS
from chaos.servers import ServerHome
from tests.support.shared_postgres import SharedPostgres

DICE = random.Random(5)
CONVERSATIONS = 60


async def test_cut_sends_arrive_once_on_sqlite(tmp_path: Path) -> None:
    came = await cut_sends(ServerHome(tmp_path), 300, DICE, conversations=CONVERSATIONS)
    assert came.ok, came
    assert min(came.cuts[point.name.lower()] for point in Point) > 20
    assert min(came.dialects[name] for name in DIALECTS) > 5


async def test_cut_sends_arrive_once_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    came = await cut_sends(
        ServerHome(tmp_path, shared_postgres.new_empty_database()),
        200,
        DICE,
        conversations=CONVERSATIONS,
    )
    assert came.ok, came


async def test_planted_clients_without_a_key_double(tmp_path: Path) -> None:
    came = await cut_sends(ServerHome(tmp_path), 60, DICE, conversations=CONVERSATIONS, keys="none")
    assert came.verdict.doubled > 10
