"""A short run of the bus rig; and a node that depends on the bus makes it fail."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.bus import FaultyNats, FaultyNotify, fail_repeatedly
from chaos.servers import ServerHome
from tests.support.nats import NatsCluster
from tests.support.shared_postgres import SharedPostgres

SHORT = (0.5, 1.5)


@pytest.fixture
def home(tmp_path: Path, shared_postgres: SharedPostgres) -> ServerHome:
    return ServerHome(tmp_path, shared_postgres.new_empty_database())


@pytest.fixture(scope="module")
def cluster() -> Iterator[NatsCluster]:
    with NatsCluster(3).start() as started:
        yield started


async def test_failures_of_nats_lose_nothing(home: ServerHome, cluster: NatsCluster) -> None:
    result = await fail_repeatedly(home, FaultyNats(cluster), 2, random.Random(1), failure_s=SHORT)
    assert result.ok, result
    assert result.acknowledged > 20


async def test_failures_of_notifications_lose_nothing(home: ServerHome) -> None:
    bus = FaultyNotify(home.database_url)
    result = await fail_repeatedly(home, bus, 2, random.Random(1), failure_s=SHORT)
    assert result.ok, result
    assert result.acknowledged > 20


async def test_planted_a_node_that_never_polls_is_late(home: ServerHome) -> None:
    dead = NatsCluster(1)  # never started
    result = await fail_repeatedly(
        home, NeverStarted(dead), 1, random.Random(1), failure_s=(3, 3), fault="no_poll"
    )
    assert not result.ok, result


class NeverStarted(FaultyNats):
    """A bus that does not run at all."""

    async def fail(self, kind: object, rng: random.Random) -> None:
        """There is nothing to kill."""
