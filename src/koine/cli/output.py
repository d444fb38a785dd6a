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
        made.add_row(*("" if cell is None else str(cell) for cell in row))
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
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        typer.echo(f"{name:{width}}  {'' if text is None else text}".rstrip())


def duration(seconds: float) -> str:
    """A time in the unit that fits it: `4.0 s`, `12 min`, `5 h`, `3 d`."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: int) -> str:
    """A number of bytes in the unit that fits it."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"
