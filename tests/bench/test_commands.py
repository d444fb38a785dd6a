"""Each command in its short form runs all of its measurements."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("command", "lines"),
    {
        "archive": ["export, idle", "import, while others send"] * 2,
        "move": ["SQLite to PostgreSQL", "PostgreSQL to SQLite"],
        "retention": ["alone", "while others send"] * 2,
        "start": ["sqlite", "postgresql"],
    }.items(),
)
def test_the_work_of_operators_is_measured_on_both_databases(
    command: str, lines: list[str]
) -> None:
    printed = run(f"bench.{command}")
    for line in lines:
        found = re.findall(rf"^{line} +\d", printed, re.MULTILINE)
        assert len(found) == lines.count(line), (line, printed)
