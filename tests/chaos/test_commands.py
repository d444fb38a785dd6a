"""Every rig as `python -m chaos NAME --n N --short` runs it; some by their own tests."""

from argparse import Namespace

import pytest

from chaos.__main__ import found, run
from chaos.servers import ROOT
from chaos.small_disk import can_mount, can_mount_apart

TIMES = {
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
    page = ROOT / "tests" / "chaos" / f"test_{name}.py"
    return ".run(RigSettings(" in page.read_text()


def test_every_rig_is_run_as_its_command_runs_it() -> None:
    assert found().keys() == TIMES.keys() | {each for each in found() if run_by_its_own_test(each)}


@pytest.mark.parametrize("name", TIMES)
def test_a_short_run_keeps_its_promises(name: str) -> None:
    if name == "full_disk" and not (can_mount() or can_mount_apart()):
        pytest.skip("no disk can be mounted here")
    figure = run(found()[name], Namespace(n=TIMES[name], seed=1, short=True))
    assert figure.counts, figure.line
    # How late things are beside a dead endpoint is no promise on a busy machine.
    assert figure.ok or name == "dead_endpoint", figure
