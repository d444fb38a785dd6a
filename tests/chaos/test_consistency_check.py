import random
import shutil
from pathlib import Path

import apsw
import pytest

from chaos.consistency_check import ConsistencyCheck
from chaos.http_client import ask
from chaos.seed import SeededTenant, seed
from chaos.sends import Sends
from chaos.servers import ServerHome, nodes


@pytest.fixture(scope="module")
async def told(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[ServerHome, SeededTenant, ConsistencyCheck]:
    """Ten messages in one conversation, and what their senders were told."""
    home = ServerHome(tmp_path_factory.mktemp("home"))
    seeded, ledger = await seed(home, count=1), ConsistencyCheck()
    sends = Sends(seeded, random.Random(1))
    async with nodes(home) as (server,):
        for _ in range(10):
            send = sends.new()
            ledger.acknowledged(send, send.shown_id(await ask(server.port, send.request)))
    return home, seeded, ledger


def sql(home: ServerHome, text: str) -> None:
    connection = apsw.Connection(str(home.folder / "data" / "koine.db"))
    connection.execute(text)
    connection.close()


async def test_what_is_as_it_was_told_is_clean(
    told: tuple[ServerHome, SeededTenant, ConsistencyCheck],
) -> None:
    home, seeded, ledger = told
    verdict = await ledger.compare(home, seeded)
    assert (verdict.ok, verdict.acknowledged, verdict.held) == (True, 10, 10)


async def test_planted_losses_doubles_and_gaps_are_counted(
    told: tuple[ServerHome, SeededTenant, ConsistencyCheck], tmp_path: Path
) -> None:
    home, seeded, ledger = ServerHome(tmp_path / "copy"), *told[1:]
    shutil.copytree(told[0].folder, home.folder)
    sql(home, "DELETE FROM messages WHERE seq = 4")
    sql(home, "UPDATE messages SET content = 'send-0000001 again' WHERE seq = 10")
    verdict = await ledger.compare(home, seeded)
    assert (verdict.lost, verdict.doubled, verdict.gaps) == (2, 1, 1)
