from pathlib import Path

from chaos.dead_endpoint import SERVERS, Delays, measure
from chaos.servers import ServerHome

ENDPOINTS, MESSAGES = 20, 8


async def short(folder: Path, *servers: str, timeout_s: float = 5.0, fault: str = "") -> Delays:
    homes = {server: ServerHome(folder / server) for server in servers}
    return await measure(
        homes, MESSAGES, endpoints=ENDPOINTS, interval_s=0.05, timeout_s=timeout_s, fault=fault
    )


async def test_a_dead_endpoint_does_not_delay_the_others(tmp_path: Path) -> None:
    delays = await short(tmp_path, *SERVERS)
    assert not delays.missing
    # A run this short varies on a busy machine; the long run measures the figure.
    assert max(delays.ratio("hangs"), delays.ratio("refuses")) < 4, delays


async def test_planted_a_pool_that_all_endpoints_share_is_emptied_by_one(tmp_path: Path) -> None:
    delays = await short(tmp_path, "healthy", "hangs", timeout_s=1.0, fault="shared_webhook_pool")
    assert delays.missing or delays.ratio("hangs") > 4, delays
