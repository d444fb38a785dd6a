import random
from pathlib import Path

from chaos.servers import ServerHome
from chaos.webhooks import Delivered, deliver
from tests.support.shared_postgres import SharedPostgres

EVENTS, ENDPOINTS = 50, 5


async def short(home: ServerHome, **given: object) -> Delivered:
    return await deliver(home, EVENTS, random.Random(3), endpoints=ENDPOINTS, **given)  # type: ignore[arg-type]  # as given


async def test_every_event_is_processed_once_on_sqlite(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path))
    assert result.ok, result
    assert result.failed > EVENTS / 10
    assert result.requests["repeated"] > 0


async def test_every_event_is_processed_once_by_two_processes_on_postgres(
    tmp_path: Path, shared_postgres: SharedPostgres
) -> None:
    result = await short(ServerHome(tmp_path, shared_postgres.new_empty_database()), senders=2)
    assert result.ok, result
    assert result.kills > 0


async def test_planted_a_consumer_without_deduplication_processes_twice(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path), deduplicate=False)
    assert result.doubled > 0
    assert not result.lost


async def test_planted_success_recorded_before_the_request_loses_events(tmp_path: Path) -> None:
    result = await short(ServerHome(tmp_path), fault="delivered_before_request")
    assert result.lost > EVENTS / 10
