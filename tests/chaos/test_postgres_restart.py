import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.postgres_restart import RestartResult, restart
from chaos.servers import ServerHome
from tests.support.postgres import Postgres, running_postgres

DICE = random.Random(3)
CONVERSATIONS = 60
RESTARTS = 3
TRIES = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    with running_postgres(fsync=True) as made:
        yield made


async def test_restarts_of_postgres_lose_nothing_and_are_soon_over(
    cluster: Postgres, tmp_path: Path
) -> None:
    home = ServerHome(tmp_path, cluster.new_database())
    done = await restart(home, cluster, RESTARTS, DICE, conversations=CONVERSATIONS)
    assert done.ok, done
    assert done.answers["503"] > RESTARTS
    assert done.verdict.acknowledged > 20


async def test_planted_commits_that_are_not_on_disk_are_lost(
    cluster: Postgres, tmp_path: Path
) -> None:
    # A restart may hit a moment in which everything happened to be on disk.
    for n in range(TRIES):
        done = await planted(cluster, tmp_path / f"{n}", "hasty_commit")
        if done.verdict.lost:
            break
    assert done.verdict.lost > 0, done


async def test_planted_a_server_that_knows_no_refusal_answers_500(
    cluster: Postgres, tmp_path: Path
) -> None:
    done = await planted(cluster, tmp_path, "outage_as_500")
    assert done.answers["500"] > 0, done


async def planted(cluster: Postgres, folder: Path, fault: str) -> RestartResult:
    home = ServerHome(folder, cluster.new_database())
    return await restart(home, cluster, RESTARTS, DICE, conversations=CONVERSATIONS, sabotage=fault)
