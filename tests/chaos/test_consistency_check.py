import random
import shutil
from pathlib import Path

import apsw
import pytest

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import send_request
from chaos.seed import seed
from chaos.seeded_tenant import SeededTenant
from chaos.sends import Sends
from chaos.servers import ServerHome, nodes


@pytest.fixture(scope="module")
async def recorded(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ServerHome, SeededTenant, ConsistencyCheck]:
    """Ten messages in one conversation, and the record of their responses."""
    home = ServerHome(tmp_path_factory.mktemp("home"))
    tenant, check = await seed(home, count=1), ConsistencyCheck()
    sends = Sends(tenant, random.Random(1))
    async with nodes(home) as (server,):
        for _ in range(10):
            send = sends.new()
            check.record(send, send.shown_id(await send_request(server.port, send.request)))
    return home, tenant, check


def sql(home: ServerHome, text: str) -> None:
    connection = apsw.Connection(str(home.folder / "data" / "koine.db"))
    connection.execute(text)
    connection.close()


async def test_a_database_that_equals_the_record_is_consistent(
    recorded: tuple[ServerHome, SeededTenant, ConsistencyCheck],
) -> None:
    home, tenant, check = recorded
    result = await check.compare(home, tenant)
    assert (result.ok, result.acknowledged, result.stored) == (True, 10, 10)


async def test_planted_losses_doubles_and_gaps_are_counted(
    recorded: tuple[ServerHome, SeededTenant, ConsistencyCheck], tmp_path: Path
) -> None:
    home, tenant, check = ServerHome(tmp_path / "copy"), *recorded[1:]
    shutil.copytree(recorded[0].folder, home.folder)
    sql(home, "DELETE FROM messages WHERE seq = 4")
    sql(home, "UPDATE messages SET content = 'send-0000001 again' WHERE seq = 10")
    result = await check.compare(home, tenant)
    assert (result.lost, result.doubled, result.gaps) == (2, 1, 1)
