"""What commands print: tables for people, JSON for scripts."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import typer
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """Print a value as JSON, indented."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_rows(
    headings: Sequence[str], rows: Iterable[Mapping[str, object]], *, as_json: bool
) -> None:
    """Print rows, with their values in the order of the headings: a table, or JSON objects."""
    every = list(rows)
    if as_json:
        print_json(every)
    else:
        print_table(headings, [list(row.values()) for row in every])


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; an empty one has only its headings. No value is truncated, not in a pipe."""
    made = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        made.add_row(*map(in_words, row))
    console = Console(soft_wrap=False, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000
    with console.capture() as captured:
        console.print(made)
    typer.echo("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def print_fields(fields: Mapping[str, object]) -> None:
    """Print the fields of one thing for people, one a line."""
    width = max(map(len, fields))
    for name, value in fields.items():
        typer.echo(f"{name:{width}}  {in_words(value)}".rstrip())


def in_words(value: object) -> str:
    """A value for people: yes or no, the values of a list, `name: value` of an object without those
    that are 0 or empty; nothing for None."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        given = {name.replace("_", " "): each for name, each in value.items() if each}
        return ", ".join(f"{name}: {in_words(each)}" for name, each in given.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value))
    return "" if value is None else str(value)
