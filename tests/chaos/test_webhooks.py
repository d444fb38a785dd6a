import random
from pathlib import Path

from chaos.servers import ServerHome
from chaos.webhooks import Delivered, deliver
from tests.support.shared_postgres import SharedPostgres

EVENTS, ENDPOINTS = 50, 5


async def short(home: ServerHome, **given: object) -> Delivered:
    return await deliver(home, EVENTS, random.Random(3), endpoints=ENDPOINTS, **given)  # type: ignore[arg-type]  # as given


async def test_every_event_takes_effect_once_on_sqlite(tmp_path: Path) -> None:
    done = await short(ServerHome(tmp_path))
    assert done.ok, done
    assert done.failed > EVENTS / 10
    assert done.posts["known"] > 0


async def test_every_event_takes_effect_once_by_two_senders_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    done = await short(ServerHome(tmp_path, shared_postgres.new_empty_database()), senders=2)
    assert done.ok, done
    assert done.kills > 0


async def test_planted_a_consumer_that_knows_no_ids_does_things_twice(tmp_path: Path) -> None:
    done = await short(ServerHome(tmp_path), once=False)
    assert done.doubled > 0
    assert not done.lost


async def test_planted_a_sender_that_marks_before_it_posts_loses(tmp_path: Path) -> None:
    done = await short(ServerHome(tmp_path), sabotage="mark_before_post")
    assert done.lost > EVENTS / 10
