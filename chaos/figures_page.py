"""The page of figures: one table, a line for each rig, written by the chaos alone."""

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
    """How a figure came to be: what was typed, the seed of the dice, the seconds it took."""

    command: str
    seed: int
    seconds: float


def write(page: Path, rig: Rig, figure: Figure, run: Run) -> None:
    """Put a figure in the page's table, in the place of the rig's last one; the page is made if
    need be. The other lines stay as they are."""
    lines = _lines(page.read_text()) if page.exists() else {}
    lines[rig.name] = _line(rig, figure, run)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(HEAD + "".join(f"{lines[name]}\n" for name in sorted(lines)))


def _lines(text: str) -> dict[str, str]:
    return {found["name"]: found[0] for found in _LINE.finditer(text)}


def _line(rig: Rig, figure: Figure, run: Run) -> str:
    verdict = figure.line if figure.ok else f"**not reached**: {figure.line}"
    measured = f"{verdict} (seed {run.seed}, {run.seconds:,.0f} s)"
    cells = (rig.title, rig.goal, measured, f"`{run.command}`")
    return f"| {' | '.join(_cell(each) for each in cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
