"""A short run of the bus rig; and a node that depends on the bus makes it fail."""

import random
from pathlib import Path

from chaos.bus import RIG, FailureKind, FaultyNats, fail_repeatedly
from chaos.rig import RigSettings
from chaos.servers import ServerHome
from tests.support.nats import NatsCluster
from tests.support.shared_postgres import SharedPostgres


async def test_failures_of_nats_and_notifications_lose_nothing(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    for bus in ("nats", "database"):
        assert figure.counts[f"{bus}_acknowledged"] > 20, figure


async def test_planted_a_node_that_never_polls_is_late(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    home = ServerHome(tmp_path, shared_postgres.new_empty_database())
    bus = NeverStarted(NatsCluster(1))
    result = await fail_repeatedly(
        home, bus, 1, random.Random(1), failure_s=(0.3, 0.3), fault="no_poll"
    )
    assert result.acknowledged and not result.ok, result


class NeverStarted(FaultyNats):
    """A bus that does not run at all."""

    async def fail(self, kind: FailureKind, rng: random.Random) -> None:
        """There is nothing to kill."""
