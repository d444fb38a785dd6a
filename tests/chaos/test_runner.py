from argparse import Namespace

from chaos.__main__ import find_rigs, run
from chaos.rig import Figure, Rig, RigSettings
from chaos.servers import ROOT


async def fails(settings: RigSettings) -> Figure:
    raise OSError("no disk")


def test_every_module_with_a_rig_is_found_by_its_name() -> None:
    rigs = find_rigs()
    assert {"response_loss", "kill", "postgres_restart"} <= rigs.keys()
    assert all((ROOT / "chaos" / f"{name}.py").exists() for name in rigs)


def test_a_rig_that_raises_has_not_reached_its_goal() -> None:
    figure = run(Rig("x", "t", "g", fails), Namespace(n=None, seed=1, short=True))
    assert not figure.ok
    assert "no disk" in figure.line
