"""Each command in its short form: it measures everything there is, if only for a moment."""

import subprocess
import sys
from pathlib import Path

from bench import report
from bench.figures import TARGETS
from bench.large import NEEDED_GIB

ROOT = Path(__file__).parents[2]


def run(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", command, "--short"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_bench_measures_all_that_is_promised_and_leaves_the_figures_alone() -> None:
    before = report.LATEST.read_bytes() if report.LATEST.exists() else None
    shown = run("bench")
    for name in report.CEILINGS.keys() | report.CEILINGS.values():
        assert f" {name} " in shown, name
    for target in TARGETS:
        assert f"{target.group}.{target.name}" in shown, target
    assert (report.LATEST.read_bytes() if report.LATEST.exists() else None) == before


def test_bench_large_compares_both_worlds_on_both_databases() -> None:
    shown = run("bench.large")
    for database in NEEDED_GIB:
        part = shown.partition(f"\n{database}, ms")[2]
        for what in ("delivery all", "messages", "helpdesk customerId", "native"):
            assert f"{what}, page 1, 1m / 10k" in part, (database, what)
