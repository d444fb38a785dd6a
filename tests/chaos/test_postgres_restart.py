import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.postgres_restart import RestartResult, restart
from chaos.servers import ServerHome
from tests.support.postgres import Postgres, running_postgres

RNG = random.Random(3)
CONVERSATIONS = 60
RESTARTS = 3
TRIES = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with running_postgres(fsync=True) as made:
        yield made


async def test_restarts_of_postgres_lose_nothing_and_recover_in_time(
    cluster: Postgres, tmp_path: Path
) -> None:
    home = ServerHome(tmp_path, cluster.new_database())
    result = await restart(home, cluster, RESTARTS, RNG, conversations=CONVERSATIONS)
    assert result.ok, result
    assert result.responses["503"] > RESTARTS
    assert result.consistency.acknowledged > 20


async def test_planted_commits_that_are_not_on_disk_are_lost(
    cluster: Postgres, tmp_path: Path
) -> None:
    # At the moment of a restart, everything may happen to be on disk already.
    for n in range(TRIES):
        result = await planted(cluster, tmp_path / f"{n}", "asynchronous_commit")
        if result.consistency.lost:
            break
    assert result.consistency.lost > 0, result


async def test_planted_an_outage_mapped_to_500_is_detected(
    cluster: Postgres, tmp_path: Path
) -> None:
    result = await planted(cluster, tmp_path, "outage_as_500")
    assert result.responses["500"] > 0, result


async def planted(cluster: Postgres, folder: Path, fault: str) -> RestartResult:
    home = ServerHome(folder, cluster.new_database())
    return await restart(home, cluster, RESTARTS, RNG, conversations=CONVERSATIONS, fault=fault)
