"""Prints the figures, and writes them to bench/latest.json."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.figures import TARGETS, Figures

LATEST = Path(__file__).with_name("latest.json")
CEILINGS = {
    "postgres send c1": "postgres pgbench c1",
    "postgres send c16": "postgres pgbench c16",
    "postgres send c64": "postgres pgbench c64",
    "postgres send c64, with webhook": "postgres pgbench c64, with webhook",
    "postgres send c64, two workers": "postgres pgbench c64",
    "postgres send hot": "postgres pgbench hot",
    "sqlite send c1": "sqlite commits",
    "sqlite send c64": "sqlite commits",
    "sqlite send hot": "sqlite commits",
}
"""The figure by which each is divided for its ratio."""


def show(figures: Figures, machine: dict[str, str], minutes: float) -> None:
    """Print the tables."""
    console = Console(width=110, highlight=False)
    for name, value in machine.items():
        console.print(f"{name:>10}  {value}")
    console.print(_measured(figures))
    console.print(_targets(figures))
    console.print(f"{minutes:.1f} minutes. {LATEST.name} has the same, and every sample.")


def write(figures: Figures, machine: dict[str, str], path: Path = LATEST) -> None:
    """Write everything to a file."""
    samples = {name: msgspec.to_builtins(each) for name, each in figures.samples.items()}
    everything = figures.summary() | {"machine": machine, "samples": samples}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(everything), indent=2) + b"\n")


def _measured(figures: Figures) -> Table:
    table = Table(
        "what", "a second", "p50 ms", "p99 ms", "ratio", "lowest-highest", title="Measured"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, samples in figures.samples.items():
        middle = figures.median_of(name)
        ceiling = CEILINGS.get(name)
        rates = [sample.rate for sample in samples]
        table.add_row(
            name,
            f"{middle.rate:,.0f}",
            "" if middle.p50_ms is None else f"{middle.p50_ms:.2f}",
            "" if middle.p99_ms is None else f"{middle.p99_ms:.2f}",
            "" if ceiling is None else f"{middle.rate / figures.rate(ceiling):.2f}",
            f"{min(rates):,.0f}-{max(rates):,.0f}",
        )
    return table


def _targets(figures: Figures) -> Table:
    table = Table("what", "measured", "bound", "met", title="Targets")
    summary = figures.summary()
    for target in TARGETS:
        value = summary[target.group][target.name]
        bound = f"{'>=' if target.at_least else '<='} {target.bound:,g}"
        met = "yes" if target.met(value) else "NO"
        table.add_row(f"{target.group}.{target.name}", f"{value:,.2f}", bound, met)
    return table
