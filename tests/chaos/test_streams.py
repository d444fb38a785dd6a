"""Streams cut for a moment, a follower and a server with a fault, which the rig must find out."""

import random
from pathlib import Path

from chaos.servers import ServerHome
from chaos.streams import StreamsResult, cut
from tests.support.shared_postgres import SharedPostgres

FOLLOWERS = 20


async def followed(home: ServerHome, nodes: int, **planted: str | bool) -> StreamsResult:
    forgets, sabotage = bool(planted.get("forgets")), str(planted.get("sabotage", ""))
    return await cut(
        home,
        nodes,
        120,
        random.Random(5),
        followers=FOLLOWERS,
        conversations=30,
        forgets=forgets,
        sabotage=sabotage,
    )


async def test_cuts_and_kills_of_two_nodes_lose_no_event(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    done = await followed(ServerHome(tmp_path, shared_postgres.new_empty_database()), 2)
    assert done.ok, done
    assert done.reconnects >= 120 and done.kills and done.told > 10 * FOLLOWERS, done


async def test_cuts_and_kills_of_one_node_lose_no_event(tmp_path: Path) -> None:
    done = await followed(ServerHome(tmp_path), 1)
    assert done.ok, done
    assert done.kills and done.told > 5 * FOLLOWERS, done


async def test_planted_a_follower_that_forgets_its_cursor_misses(tmp_path: Path) -> None:
    done = await followed(ServerHome(tmp_path), 1, forgets=True)
    assert done.missed, done


async def test_planted_a_server_that_skips_one_event_loses_it(tmp_path: Path) -> None:
    done = await followed(ServerHome(tmp_path), 1, sabotage="cursor_off_by_one")
    assert done.missed, done
