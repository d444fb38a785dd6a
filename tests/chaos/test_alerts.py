"""The alerts of deploy/prometheus, fired by real faults; a rule that never fires is found."""

import pytest

from chaos.alerts import RIG
from chaos.rig import RigSettings
from tests.support import prometheus

pytestmark = pytest.mark.skipif(not prometheus.is_installed(), reason=prometheus.MISSING)


async def test_alerts_fire_and_clear(settings: RigSettings) -> None:
    figure = await RIG.run(settings)
    assert figure.ok, figure.line
    assert figure.counts["tried"] == 7
