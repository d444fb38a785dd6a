"""The alerts that real faults fire within seconds, as `python -m chaos alerts --short`.

The long run fires all of them (docs/figures.md); tests/prometheus has a unit test of each.
"""

from msgspec import structs

from chaos import alert_faults as faults
from chaos import alerts
from chaos.alerts import Trial
from chaos.rig import RigSettings
from tests.support.programs import program

NEVER = """
      - alert: KoineNeverFires
        expr: koine_bus_connected == 2
"""


async def test_alerts_fire_and_clear_and_one_that_does_not_is_found(settings: RigSettings) -> None:
    program("prometheus")
    planted = Trial(faults.bus_killed, ("KoineNeverFires",), within_s=1.0)
    rules = alerts.RULES.read_text() + NEVER
    result = await alerts.measure(settings, [*alerts.SHORT, planted], rules)
    figure = alerts.figure(result)
    assert result.missed == ["KoineNeverFires"] and not figure.ok, figure.line
    assert structs.replace(result, missed=[]).ok, figure.line
    assert len(result.tried) == 8
