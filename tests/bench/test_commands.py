"""Each command in its short form runs all of its measurements."""

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


def test_bench_measures_every_target_and_does_not_write_the_figures() -> None:
    before = report.LATEST.read_bytes() if report.LATEST.exists() else None
    printed = run("bench")
    for name in report.CEILINGS.keys() | report.CEILINGS.values():
        assert f" {name} " in printed, name
    for target in TARGETS:
        assert f"{target.group}.{target.name}" in printed, target
    assert (report.LATEST.read_bytes() if report.LATEST.exists() else None) == before


def test_bench_large_compares_both_worlds_on_both_databases() -> None:
    printed = run("bench.large")
    for database in NEEDED_GIB:
        part = printed.partition(f"\n{database}, ms")[2]
        for what in ("delivery all", "messages", "helpdesk customerId", "native"):
            assert f"{what}, page 1, 1m / 10k" in part, (database, what)
