"""Progress bars on a terminal."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def bars(stages: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each stage of a command, with its label in `stages`; nothing where standard error
    is no terminal. The function is called with a stage, how much of it is done, and its total."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not sys.stderr.isatty()
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stages[stage], total=total)
            bar.update(tasks[stage], completed=done)

        yield show
