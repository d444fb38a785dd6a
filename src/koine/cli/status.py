"""`koine status`: how the server is, on one screen."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from koine.cli import options, output, status_screen
from koine.cli.doctor import diagnose
from koine.cli.errors import EXIT_FAILED
from koine.cli.runtime import run_until_done
from koine.kit.settings import Settings
from koine.server.preflight import Finding
from koine.server.status import ServerStatus, read_status

DOCTOR_SECONDS = 30.0
"""Seconds for which the findings of `koine doctor` are shown again by --watch."""

Show = Callable[[ServerStatus], None]


def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.5, help="Seconds between two screens of --watch.")
    ] = 2.0,
    count: Annotated[
        int | None, typer.Option(min=1, help="End --watch after so many screens.")
    ] = None,
    as_json: options.Json = False,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Show how the server is, on one screen.

    Processes, traffic, queues, backups, disk, and what `koine doctor` complains about. It reads the
    database and the data folder, so it also works while no server runs, and says so. The exit code
    is 1 if the database cannot be read.

    Example: koine status --watch
    """
    settings = options.settings(data, database)
    screens = (count if watch else 1, interval)
    console = Console(highlight=False)
    if as_json:
        show = _print_json_line if watch else output.print_json
        last = run_until_done(_repeat(settings, screens, show))
    elif watch and console.is_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            last = run_until_done(
                _repeat(settings, screens, lambda now: live.update(_styled(now), refresh=True))
            )
    elif console.is_terminal:
        last = run_until_done(_repeat(settings, screens, lambda now: console.print(_styled(now))))
    else:
        end = "\n" if watch else ""
        last = run_until_done(
            _repeat(settings, screens, lambda now: typer.echo(status_screen.plain(now) + end))
        )
    if last is not None and last.database.error:
        raise typer.Exit(EXIT_FAILED)


async def _repeat(
    settings: Settings, screens: tuple[int | None, float], show: Show
) -> ServerStatus | None:
    """Show the status so many times (None: for ever), with pauses in seconds; returns the last."""
    count, interval = screens
    last: ServerStatus | None = None
    problems: list[Finding] = []
    asked = -DOCTOR_SECONDS
    while count is None or count > 0:
        if monotonic() - asked >= DOCTOR_SECONDS:
            found = await diagnose(settings)
            problems, asked = [each for each in found if each.level != "ok"], monotonic()
        last = await read_status(settings, problems)
        show(last)
        count = None if count is None else count - 1
        if count != 0:
            await asyncio.sleep(interval)
    return last


def _print_json_line(status: ServerStatus) -> None:
    typer.echo(msgspec.json.encode(status).decode())


def _styled(status: ServerStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    for line in status_screen.lines(status):
        table.add_row(Text(line.heading, "bold"), Text(line.text, "red" if line.alarming else ""))
    return table
