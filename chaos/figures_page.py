"""The page docs/figures.md: one table with a line for each rig, which only the rigs write."""

import re
from pathlib import Path

from msgspec import Struct

from chaos.rig import Figure, Rig

HEAD = """# Figures

What we did to a running Koine, and what we measured. Each line is written by its rig, and its
command (from `.venv/bin/`) measures it again. `make figures` writes all of them. Zero of n does
not prove never: with 95 % confidence the rate is below 3/n.

| what is done | target | result | command |
|---|---|---|---|
"""
_LINE = re.compile(r"^\|.*\| `python -m chaos (?P<name>[a-z_]+)[^`]*` \|$", re.MULTILINE)


class Run(Struct, frozen=True):
    """How a figure was measured: the command, its seed, and the seconds that it took."""

    command: str
    seed: int
    seconds: float


def write(page: Path, rig: Rig, figure: Figure, run: Run) -> None:
    """Write a figure to the page's table, in place of the rig's former one. Other lines do not
    change; a page that does not exist is created."""
    lines = _lines(page.read_text()) if page.exists() else {}
    lines[rig.name] = _line(rig, figure, run)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(HEAD + "".join(f"{lines[name]}\n" for name in sorted(lines)))


def _lines(text: str) -> dict[str, str]:
    return {found["name"]: found[0] for found in _LINE.finditer(text)}


def _line(rig: Rig, figure: Figure, run: Run) -> str:
    result = figure.line if figure.ok else f"**not reached**: {figure.line}"
    measured = f"{result} (seed {run.seed}, {run.seconds:,.0f} s)"
    cells = (rig.title, rig.goal, measured, f"`{run.command}`")
    return f"| {' | '.join(_cell(each) for each in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
