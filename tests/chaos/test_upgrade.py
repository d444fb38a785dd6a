"""A rolling upgrade and a rollback of two nodes under load.

The older release is this program; the newer one is this program with one more migration.
"""

import asyncio
import random
from pathlib import Path

import pytest

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import get
from chaos.rig import FEW_CONVERSATIONS
from chaos.rolling import Balancer, Client
from chaos.seed import seed
from chaos.sends import Sends
from chaos.servers import Server, ServerHome, ServerNotReady
from tests.support.next_release import next_migrations
from tests.support.shared_postgres import SharedPostgres

SETTINGS = {"drain_seconds": 1}


async def test_an_upgrade_that_only_adds_and_its_rollback_cause_no_error(
    tmp_path: Path, shared_postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_RELEASE_MIGRATIONS", str(next_migrations(tmp_path, "adds")))
    home = ServerHome(tmp_path / "home", shared_postgres.new_empty_database())
    tenant, check = await seed(home, FEW_CONVERSATIONS), ConsistencyCheck()
    older = [Server(home, settings=SETTINGS) for _ in range(2)]
    newer = Server(home, port=older[0].port, settings=SETTINGS, fault="next_release")
    rng = random.Random(1)
    try:
        for server in older:
            server.start()
            await server.wait_ready()
        balancer = Balancer(older, rng)
        clients = [
            Client(balancer, tenant, Sends(tenant, rng, name=f"client{n}"), check) for n in range(3)
        ]
        polling = asyncio.create_task(balancer.poll())
        working = [asyncio.create_task(client.work()) for client in clients]
        for stopped, started in ((older[0], newer), (newer, older[0])):
            assert await stopped.terminate() == 0
            started.start()
            await started.wait_ready()
            assert await older[1].is_ready()
            await further_sends(check, 3 * len(clients))
        for client in clients:
            client.stopping = True
        await asyncio.gather(*working)
        polling.cancel()
    finally:
        for server in (*older, newer):
            server.kill()
    assert [dict(client.errors) for client in clients] == [{}] * 3
    found = await check.compare(home, tenant)
    assert found.ok and found.acknowledged > 20


async def further_sends(check: ConsistencyCheck, count: int) -> None:
    """Wait until so many more sends are acknowledged."""
    enough = len(check.acknowledged) + count
    async with asyncio.timeout(60):
        while len(check.acknowledged) < enough:  # noqa: ASYNC110  # the clients have no event for it
            await asyncio.sleep(0.01)


async def test_an_upgrade_that_contracts_takes_older_nodes_out_of_service(
    tmp_path: Path, shared_postgres: SharedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT_RELEASE_MIGRATIONS", str(next_migrations(tmp_path, "contracts")))
    home = ServerHome(tmp_path / "home", shared_postgres.new_empty_database())
    older, newer = Server(home), Server(home, fault="next_release")
    try:
        older.start()
        await older.wait_ready()
        newer.start()
        await newer.wait_ready()
        response = await get(older.port, "/readyz")
        assert response.status == 503 and b"older ones cannot use it (9000)" in response.body
        older.kill()
        older.start()
        with pytest.raises(ServerNotReady, match="run that one, or restore a backup"):
            await older.wait_ready()
    finally:
        older.kill()
        newer.kill()
