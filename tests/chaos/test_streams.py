"""A short run of the streams rig; a client and a server with a planted fault make it fail."""

import random
from pathlib import Path

from chaos.servers import ServerHome
from chaos.streams import StreamsResult, reconnect_under_load
from tests.support.shared_postgres import SharedPostgres

CLIENTS = 20


async def short(
    home: ServerHome, nodes: int, *, forgets_cursor: bool = False, fault: str = ""
) -> StreamsResult:
    return await reconnect_under_load(
        home,
        nodes,
        120,
        random.Random(5),
        clients=CLIENTS,
        conversations=30,
        forgets_cursor=forgets_cursor,
        fault=fault,
    )


async def test_cuts_and_kills_of_two_nodes_lose_no_event(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    result = await short(ServerHome(tmp_path, shared_postgres.new_empty_database()), 2)
    assert result.ok, result
    assert result.reconnects >= 120 and result.kills and result.received > 10 * CLIENTS, result


async def test_cuts_and_kills_of_one_node_lose_no_event(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path), 1)
    assert result.ok, result
    assert result.kills and result.received > 5 * CLIENTS, result


async def test_planted_a_client_that_forgets_its_cursor_misses(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path), 1, forgets_cursor=True)
    assert result.missed, result


async def test_planted_a_server_that_skips_one_event_loses_it(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path), 1, fault="cursor_off_by_one")
    assert result.missed, result
