"""How far a command is, on the standard error of a terminal; nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@contextmanager
def bars(stages: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each stage of a command, with its label in `stages`. The function is called with a
    stage, how much of it is done, and its total."""
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    console = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not sys.stderr.isatty()
    ) as made:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = made.add_task(stages[stage], total=total)
            made.update(tasks[stage], completed=done)

        yield show


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """One bar. The function is called with how much more of the total is done."""
    with bars({label: label}) as show:
        done = 0

        def add(count: int) -> None:
            nonlocal done
            done += count
            show(label, done, total)

        yield add


def counter(what: str) -> Callable[[int], None]:
    """A function that shows the sum of what it is called with: where no total is known."""
    total = 0

    def add(count: int) -> None:
        nonlocal total
        total += count
        if sys.stderr.isatty():
            typer.echo(f"\r{total} {what}", nl=False, err=True)

    return add
