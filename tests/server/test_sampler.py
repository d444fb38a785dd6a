"""What a serving process measures of itself and its database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from koine import __version__
from koine.http.health import Check
from koine.kit import metrics
from koine.kit.times import HOUR, MINUTE
from koine.model.errors import Unavailable
from koine.realtime.bus.protocol import LocalBus
from koine.realtime.realtime import Realtime
from koine.server import process_records
from koine.server.sampler import Sampler, sampling
from koine.store import schema
from koine.store.core.db import Database, Tx
from tests.cast import Cast, make_cast
from tests.support.webhook_receiver import response
from tests.webhooks.harness import webhook_harness


def shown(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


async def ready() -> Sequence[Check]:
    return [Check("database", True), Check("events", False, "planted")]


@pytest.fixture
async def cast_alone(empty_db: Database, tmp_path: Path) -> Cast:
    return await make_cast(empty_db, data_dir=str(tmp_path))


@pytest.fixture
async def realtime(cast_alone: Cast) -> AsyncIterator[Realtime]:
    engine = cast_alone.engine
    opened = Realtime(engine, LocalBus(), engine.shutdown_signal)
    await opened.start()
    yield opened
    await opened.close()


async def test_what_a_process_holds_in_memory_is_measured(
    cast_alone: Cast, realtime: Realtime
) -> None:
    sampler = Sampler(cast_alone.engine, realtime, ready)
    pools = cast_alone.engine.db.pools()
    assert len(pools) == 2

    async def none_waits() -> bool:
        await sampler.sample_process()
        return not any(shown("koine_database_callers_waiting", pool=pool.name) for pool in pools)

    for _ in range(1000):  # the start of Realtime still reads and writes
        if await none_waits():
            break
        await asyncio.sleep(0.01)
    for pool in pools:
        assert shown("koine_database_connections_max", pool=pool.name) == pool.limit
        assert shown("koine_database_callers_waiting", pool=pool.name) == 0
    assert shown("koine_send_queue") == shown("koine_searches_waiting") == 0
    assert (shown("koine_disk_size_bytes") or 0) >= (shown("koine_disk_free_bytes") or 0) > 0
    assert shown("koine_bus_connected") == 1


async def test_a_process_writes_a_record_of_itself_and_removes_it(
    cast_alone: Cast, realtime: Realtime
) -> None:
    db = cast_alone.engine.db
    async with sampling(cast_alone.engine, realtime, ready) as sampler:
        await sampler.write_record()
        (record,) = await db.read("", process_records.list_all)
        assert (record.version, record.failing) == (__version__, ["events"])
        assert shown("koine_ready", check="database") == 1
        assert shown("koine_ready", check="events") == 0
        assert shown("koine_event_queue", follower="streams") is not None
    assert await db.read("", process_records.list_all) == []


async def test_what_the_database_knows_is_measured(empty_db: Database) -> None:
    async with webhook_harness(empty_db) as harness:
        engine = harness.cast.engine
        made = await harness.create_endpoint()
        await harness.send_message(await harness.create_conversation())
        harness.receiver.respond = lambda _: response(500)
        await harness.plan_and_send()
        harness.cast.clock.advance(3600)
        realtime = Realtime(engine, LocalBus(), engine.shutdown_signal)
        await Sampler(engine, realtime, ready).sample_database()
        assert made.endpoint.status == "active"
    assert shown("koine_webhook_queue") == 1
    assert shown("koine_webhook_endpoints", state="failing") == 1
    assert HOUR <= (shown("koine_webhook_oldest_seconds") or 0) * 1e6 < HOUR + MINUTE
    assert 0 < (shown("koine_webhook_overdue_seconds") or 0) * 1e6 < HOUR
    assert (shown("koine_database_size_bytes") or 0) > 10_000
    assert shown("koine_backup_last_success_timestamp_seconds") == 0
    labels = {"version": __version__, "database": empty_db.kind, "schema": schema.head()}
    assert shown("koine_build_info", **labels) == 1
    assert shown("koine_migrations_pending") == 0


async def test_an_unavailable_database_ends_no_measuring(
    cast_alone: Cast, realtime: Realtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_tx: Tx, *_: object) -> None:
        raise Unavailable()

    monkeypatch.setattr(process_records, "save", unavailable)
    with pytest.raises(Unavailable):
        await Sampler(cast_alone.engine, realtime, ready).write_record()
    async with sampling(cast_alone.engine, realtime, ready):
        pass
