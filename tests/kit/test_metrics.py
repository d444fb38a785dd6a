"""Every metric is documented, and costs little."""

import re
import timeit
from pathlib import Path
from typing import get_args

import pytest

from koine.kit import metrics
from koine.model.errors import Limit, UnauthenticatedReason

RUNNING = Path(__file__).parents[2] / "docs" / "running.md"
INSTRUMENTS = list(metrics.instruments())


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda each: each[0])
def test_every_instrument_is_in_the_docs(instrument: tuple[str, str, tuple[str, ...], str]) -> None:
    name, kind, labels, meaning = instrument
    row = f"| `{name}` | {kind} | {', '.join(labels)} | {meaning} |"
    assert row in RUNNING.read_text().splitlines()


def test_every_instrument_of_the_docs_is_one() -> None:
    rows = re.findall(r"^\| `(koine_\w+)` \|", RUNNING.read_text(), re.MULTILINE)
    assert rows == [name for name, *_ in INSTRUMENTS]


def test_counters_by_limit_are_there_before_anything_was_refused() -> None:
    assert set(get_args(Limit)) < set(metrics.KNOWN_LABELS[metrics.REQUESTS_REFUSED])
    assert set(get_args(UnauthenticatedReason)) == set(
        metrics.KNOWN_LABELS[metrics.UNAUTHENTICATED]
    )
    shown = metrics.text().decode()
    for counter, values in metrics.KNOWN_LABELS.items():
        (name,) = {each.name for each in counter.describe()}
        assert all(f'{name}_total{{{counter._labelnames[0]}="{v}"}}' in shown for v in values)


def test_a_request_is_counted_in_its_class() -> None:
    times = metrics.RequestTimes("tests", "GET", "/things/{id}")
    for status in (200, 201, 404):
        times.observe(status, 0.003)
    name = 'koine_request_seconds_count{dialect="tests",method="GET",route="/things/{id}"'
    shown = metrics.text().decode()
    assert f'{name},status="2xx"}} 2.0' in shown
    assert f'{name},status="4xx"}} 1.0' in shown


def test_metrics_of_the_process_are_there() -> None:
    assert b"koine_process_resident_memory_bytes" in metrics.text()
    assert b"koine_process_cpu_seconds_total" in metrics.text()


def test_counting_a_request_costs_little() -> None:
    times = metrics.RequestTimes("tests", "GET", "/cost")
    fastest = min(timeit.repeat(lambda: times.observe(200, 0.003), number=10_000, repeat=5))
    assert fastest / 10_000 < 10e-6  # measured 0.7 µs; the rest is for a busy machine
