import random
from pathlib import Path

from chaos.kill import RIG, KillResult, kill
from chaos.rig import FEW_CONVERSATIONS, RigSettings
from chaos.sends import Keys
from chaos.servers import ServerHome
from tests.chaos.retries import first_with_fault

RNG = random.Random(7)


async def test_acknowledged_messages_survive_kills(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    assert figure.counts["sqlite_kills"] == 8
    assert figure.counts["postgres_kills"] == 4
    assert figure.counts["sqlite_acknowledged"] > 20, figure
    assert figure.counts["postgres_acknowledged"] > 10, figure
    assert figure.counts["sqlite_cut"] > 8, figure
    assert figure.counts["postgres_cut"] > 2, figure


async def test_planted_a_response_before_the_commit_loses_messages(tmp_path: Path) -> None:
    result = await first_with_fault(
        lambda n: short(tmp_path / f"{n}", fault="response_before_commit"),
        lambda result: result.consistency.lost,
    )
    assert result.consistency.lost > 0, result


async def test_planted_retries_without_a_key_double_messages(tmp_path: Path) -> None:
    result = await first_with_fault(
        lambda n: short(tmp_path / f"{n}", keys="none"), lambda result: result.consistency.doubled
    )
    assert result.consistency.doubled > 0, result


async def short(folder: Path, *, keys: Keys = "any", fault: str = "") -> KillResult:
    return await kill(
        ServerHome(folder), 3, RNG, keys=keys, conversations=FEW_CONVERSATIONS, fault=fault
    )
