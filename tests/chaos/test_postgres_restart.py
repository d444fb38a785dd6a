import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.postgres_restart import RIG, RestartResult, restart
from chaos.rig import FEW_CONVERSATIONS, RigSettings
from chaos.servers import ServerHome
from tests.chaos.retries import first_with_fault
from tests.support.postgres import Postgres, running_postgres

RNG = random.Random(3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with running_postgres(fsync=True) as made:
        yield made


async def test_restarts_of_postgres_lose_nothing_and_recover_in_time(tmp_path: Path) -> None:
    figure = await RIG.run(RigSettings(folder=tmp_path, short=True))
    assert figure.ok, figure
    assert figure.params["restarts"] == 3
    assert figure.counts["responses_503"] > 3, figure
    assert figure.counts["acknowledged"] > 20, figure


async def test_planted_commits_that_are_not_on_disk_are_lost(
    cluster: Postgres, tmp_path: Path
) -> None:
    # At the moment of a restart, everything may happen to be on disk already.
    result = await first_with_fault(
        lambda n: short(cluster, tmp_path / f"{n}", 2, "asynchronous_commit"),
        lambda result: result.consistency.lost,
    )
    assert result.consistency.lost > 0, result


async def test_planted_an_outage_mapped_to_500_is_detected(
    cluster: Postgres, tmp_path: Path
) -> None:
    result = await short(cluster, tmp_path, 1, "outage_as_500")
    assert result.responses["500"] > 0, result


async def short(cluster: Postgres, folder: Path, restarts: int, fault: str) -> RestartResult:
    home = ServerHome(folder, cluster.new_database())
    return await restart(home, cluster, restarts, RNG, conversations=FEW_CONVERSATIONS, fault=fault)
