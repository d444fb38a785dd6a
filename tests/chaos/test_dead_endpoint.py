from pathlib import Path

from chaos.dead_endpoint import FEW_ENDPOINTS, RIG, measure
from chaos.rig import RigSettings
from chaos.servers import ServerHome


async def test_a_dead_endpoint_does_not_delay_the_others(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert not figure.counts["missing"], figure
    # A run this short varies on a busy machine; the long run measures the figure.
    for server in ("hangs", "refuses"):
        assert figure.counts[f"p99_ms_{server}"] < 4 * figure.counts["p99_ms_healthy"], figure


async def test_planted_a_pool_that_all_endpoints_share_is_emptied_by_one(tmp_path: Path) -> None:
    homes = {server: ServerHome(tmp_path / server) for server in ("healthy", "hangs")}
    delays = await measure(
        homes,
        8,
        endpoints=FEW_ENDPOINTS,
        interval_s=0.02,
        timeout_s=1.5,
        fault="shared_webhook_pool",
    )
    assert delays.missing, delays
