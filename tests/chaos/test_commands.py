"""Runs every rig as `python -m chaos NAME --n N --short` does, unless its own test does that."""

from argparse import Namespace

import pytest

from chaos.__main__ import find_rigs, run
from chaos.servers import ROOT
from chaos.small_disk import can_mount, can_mount_in_namespace

TRIALS = {
    "bus": 1,
    "response_loss": 20,
    "dead_endpoint": 3,
    "full_disk": 1,
    "kill": 2,
    "postgres_restart": 1,
    "streams": 60,
    "webhooks": 20,
}


def run_by_its_own_test(name: str) -> bool:
    test_file = ROOT / "tests" / "chaos" / f"test_{name}.py"
    return ".run(RigSettings(" in test_file.read_text()


def test_every_rig_is_run_as_its_command_runs_it() -> None:
    assert find_rigs().keys() == TRIALS.keys() | {
        each for each in find_rigs() if run_by_its_own_test(each)
    }


@pytest.mark.parametrize("name", TRIALS)
def test_a_short_run_reaches_its_goal(name: str) -> None:
    if name == "full_disk" and not (can_mount() or can_mount_in_namespace()):
        pytest.skip("no disk can be mounted here")
    figure = run(find_rigs()[name], Namespace(n=TRIALS[name], seed=1, short=True))
    assert figure.counts, figure.line
    # The delay beside a dead endpoint depends on the load of the machine: not checked here.
    assert figure.ok or name == "dead_endpoint", figure
