import random
from pathlib import Path

from chaos.flaky_consumer import FAULTS
from chaos.rig import RigSettings
from chaos.servers import ServerHome
from chaos.webhooks import FEW_ENDPOINTS, RIG, Delivered, deliver

EVENTS = 40


async def short(folder: Path, *, deduplicate: bool = True, fault: str = "") -> Delivered:
    return await deliver(
        ServerHome(folder),
        EVENTS,
        random.Random(3),
        endpoints=FEW_ENDPOINTS,
        deduplicate=deduplicate,
        fault=fault,
    )


async def test_every_event_is_processed_once(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure
    assert figure.counts["kills"] > 0, figure
    assert figure.counts["repeated"] > 0, figure
    assert sum(figure.counts.get(each, 0) for each in FAULTS) > EVENTS / 10, figure


async def test_every_event_is_processed_once_on_sqlite(tmp_path: Path) -> None:
    result = await short(tmp_path)
    assert result.ok, result
    assert result.failed > EVENTS / 10, result
    assert result.requests["repeated"] > 0, result


async def test_planted_a_consumer_without_deduplication_processes_twice(tmp_path: Path) -> None:
    result = await short(tmp_path, deduplicate=False)
    assert result.doubled > 0
    assert not result.lost


async def test_planted_success_recorded_before_the_request_loses_events(tmp_path: Path) -> None:
    result = await short(tmp_path, fault="delivered_before_request")
    assert result.lost > EVENTS / 10
