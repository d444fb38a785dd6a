import sys
from argparse import Namespace
from pathlib import Path

import pytest

from chaos.__main__ import find_rigs, main, run
from chaos.rig import Figure, Rig, RigSettings
from chaos.servers import ROOT


async def fails(settings: RigSettings) -> Figure:
    raise OSError("no disk")


def test_every_module_with_a_rig_is_found_by_its_name() -> None:
    rigs = find_rigs()
    assert {"response_loss", "kill", "postgres_restart"} <= rigs.keys()
    assert all((ROOT / "chaos" / f"{name}.py").exists() for name in rigs)


@pytest.mark.parametrize("name", find_rigs())
def test_every_rig_has_a_test_that_runs_its_short_form(name: str) -> None:
    test_file = ROOT / "tests" / "chaos" / f"test_{name}.py"
    # The alerts are tried together with a planted one, as a second run would take a minute.
    run = "alerts.measure(" if name == "alerts" else "RIG.run("
    assert run in test_file.read_text()


def test_the_command_runs_a_rig_and_writes_its_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "figures.md"
    words = ["chaos", "power_cut", "--n", "2", "--short", "--write", str(page)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "`python -m chaos power_cut --n 2 --short`" in page.read_text()


def test_a_rig_that_raises_has_not_reached_its_goal() -> None:
    figure = run(Rig("x", "t", "g", fails), Namespace(n=None, seed=1, short=True))
    assert not figure.ok
    assert "no disk" in figure.line
