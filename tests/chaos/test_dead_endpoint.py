from pathlib import Path

from chaos.dead_endpoint import SERVERS, Delays, measure
from chaos.servers import ServerHome

ENDPOINTS, MESSAGES = 20, 8


async def short(folder: Path, *streets: str, end_s: float = 5.0, sabotage: str = "") -> Delays:
    homes = {street: ServerHome(folder / street) for street in streets}
    return await measure(
        homes, MESSAGES, endpoints=ENDPOINTS, every_s=0.05, end_s=end_s, sabotage=sabotage
    )


async def test_a_dead_endpoint_does_not_delay_the_others(tmp_path: Path) -> None:
    found = await short(tmp_path, *SERVERS)
    assert not found.missing
    # A short run on a busy machine; the long one has the figure.
    assert max(found.times("hangs"), found.times("refuses")) < 4, found


async def test_planted_a_pool_that_all_endpoints_share_is_emptied_by_one(tmp_path: Path) -> None:
    found = await short(tmp_path, "well", "hangs", end_s=1.0, sabotage="shared_webhook_pool")
    assert found.missing or found.times("hangs") > 4, found
