"""A short run of the streams rig; a client and a server with a planted fault make it fail."""

import random
from pathlib import Path

from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.streams import RIG, SHORT, StreamsResult, reconnect_under_load


async def short(folder: Path, *, forgets_cursor: bool = False, fault: str = "") -> StreamsResult:
    return await reconnect_under_load(
        ServerHome(folder),
        1,
        40,
        random.Random(5),
        SHORT,
        forgets_cursor=forgets_cursor,
        fault=fault,
    )


async def test_cuts_and_kills_of_one_and_two_nodes_lose_no_event(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    for database in ("postgres", "sqlite"):
        assert figure.counts[f"{database}_reconnects"] >= 120, figure
        assert figure.counts[f"{database}_kills"], figure
    assert figure.counts["postgres_received"] > 10 * SHORT.clients, figure
    assert figure.counts["sqlite_received"] > 5 * SHORT.clients, figure


async def test_planted_a_client_that_forgets_its_cursor_misses(tmp_path: Path) -> None:
    result = await short(tmp_path, forgets_cursor=True)
    assert result.missed, result


async def test_planted_a_server_that_skips_one_event_loses_it(tmp_path: Path) -> None:
    result = await short(tmp_path, fault="cursor_off_by_one")
    assert result.missed, result
