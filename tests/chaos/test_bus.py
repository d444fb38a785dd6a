"""The bus rig for a moment, and a node that relies on the bus, which it must find out."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.bus import FaultyNats, FaultyNotify, fail_repeatedly
from chaos.servers import ServerHome
from tests.support.nats import NatsCluster
from tests.support.shared_postgres import SharedPostgres

BRIEFLY = (0.5, 1.5)


@pytest.fixture
def home(tmp_path: Path, shared_postgres: SharedPostgres) -> ServerHome:
    return ServerHome(tmp_path, shared_postgres.new_empty_database())


@pytest.fixture(scope="module")
def cluster() -> Iterator[NatsCluster]:
    with NatsCluster(3).start() as started:
        yield started


async def test_harm_to_nats_loses_nothing(home: ServerHome, cluster: NatsCluster) -> None:
    heard = await fail_repeatedly(home, FaultyNats(cluster), 2, random.Random(1), lasts_s=BRIEFLY)
    assert heard.ok, heard
    assert heard.acknowledged > 20


async def test_harm_to_notifications_loses_nothing(home: ServerHome) -> None:
    bus = FaultyNotify(home.database_url)
    heard = await fail_repeatedly(home, bus, 2, random.Random(1), lasts_s=BRIEFLY)
    assert heard.ok, heard
    assert heard.acknowledged > 20


async def test_planted_a_node_that_waits_to_be_woken_is_late(home: ServerHome) -> None:
    dead = NatsCluster(1)  # never started
    heard = await fail_repeatedly(
        home, Deaf(dead), 1, random.Random(1), lasts_s=(3, 3), sabotage="no_poll"
    )
    assert not heard.ok, heard


class Deaf(FaultyNats):
    """A bus that is dead all the time."""

    async def fail(self, how: object, dice: random.Random) -> None:
        """It cannot be any deader."""
