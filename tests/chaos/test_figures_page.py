from pathlib import Path

from chaos.figures_page import HEAD, Run, write
from chaos.rig import Figure, Rig, RigSettings


async def nothing(settings: RigSettings) -> Figure:
    return FIGURE


FIGURE = Figure(rig="a", params={}, counts={}, ok=True, line="0 of 7 lost")
RIG = Rig("kill", "kill -9 | again", "none lost", nothing)
OTHER = Rig("cut", "cut", "none lost", nothing)


def test_a_figure_is_a_line_with_its_command(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "figures.md"
    write(page, RIG, FIGURE, Run("python -m chaos kill --seed 3", 3, 61.4))
    line = "| kill -9 / again | none lost | 0 of 7 lost (seed 3, 61 s) |"
    assert page.read_text() == f"{HEAD}{line} `python -m chaos kill --seed 3` |\n"


def test_a_figure_replaces_the_line_of_its_rig_alone(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    write(page, RIG, FIGURE, Run("python -m chaos kill", 1, 1))
    write(page, OTHER, FIGURE, Run("python -m chaos cut", 1, 1))
    before = page.read_text().splitlines()
    write(page, OTHER, FIGURE, Run("python -m chaos cut --n 9", 1, 2))
    after = page.read_text().splitlines()
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) == 1
    assert "--n 9" in after[-2]


def test_a_figure_that_misses_its_goal_says_so(tmp_path: Path) -> None:
    page = tmp_path / "figures.md"
    missed = Figure(rig="a", params={}, counts={}, ok=False, line="1 of 7 lost")
    write(page, RIG, missed, Run("python -m chaos kill", 1, 1))
    assert "**not reached**: 1 of 7 lost" in page.read_text()
