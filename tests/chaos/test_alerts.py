"""The alerts of deploy/prometheus, fired by real faults; a rule that never fires is found."""

from chaos.alerts import RIG
from chaos.rig import RigSettings
from tests.support.programs import program


async def test_alerts_fire_and_clear(settings: RigSettings) -> None:
    program("prometheus")
    figure = await RIG.run(settings)
    assert figure.ok, figure.line
    assert figure.counts["tried"] == 7
