import random
from pathlib import Path

from chaos.cutting_proxy import Point
from chaos.response_loss import RIG, cut_sends
from chaos.rig import FEW_CONVERSATIONS, RigSettings
from chaos.sends import DIALECTS
from chaos.servers import ServerHome


async def test_cut_sends_arrive_once(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    for database in ("sqlite", "postgres"):
        cuts = [figure.counts[f"{database}_cut_{point.name.lower()}"] for point in Point]
        assert min(cuts) > 20, figure
        assert min(figure.counts[f"{database}_sent_{name}"] for name in DIALECTS) > 5, figure


async def test_planted_retries_without_a_key_double_messages(tmp_path: Path) -> None:
    result = await cut_sends(
        ServerHome(tmp_path), 60, random.Random(5), conversations=FEW_CONVERSATIONS, keys="none"
    )
    assert result.consistency.doubled > 10
