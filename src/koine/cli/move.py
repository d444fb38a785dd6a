"""`koine move`: copy a whole server to another database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from koine.cli import options, output, progress
from koine.cli.errors import EXIT_FAILED, CommandError
from koine.cli.restore import say_who_was_erased
from koine.cli.runtime import run_until_done
from koine.kit.amounts import duration, size
from koine.kit.settings import BadSetting, Settings, variable
from koine.model.errors import Unavailable
from koine.server.database import database_name
from koine.server.move import moving
from koine.server.move.moving import MoveReport
from koine.server.move.obstacles import MoveError, MoveOptions
from koine.server.move.plan import MovePlan

_STAGES = {"rows": "rows", "files": "files", "compare": "comparing"}


To = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="The empty database to move to: postgresql://… or sqlite:///path."
    ),
]
ToData = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Copy the data folder, too; without it, it is kept."),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Move nothing; say what it would copy, and what prevents it."),
]
Restart = Annotated[
    bool, typer.Option("--restart", help="Empty the database that a move half filled.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Although PostgreSQL seems to be in use by a server.")
]
Undo = Annotated[
    bool, typer.Option("--undo", help="Open the database again that the server moved from.")
]


def move(
    *,
    to: To = None,
    to_data: ToData = None,
    dry_run: DryRun = False,
    restart: Restart = False,
    force: Force = False,
    undo: Undo = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Move the whole server to another database, and compare both.

    Stop the server first, on every node. After an interruption the same command goes on.

    Example: koine move --data /var/lib/koine --to postgresql://koine@localhost/koine
    """
    source = options.settings(data, database)
    if undo:
        if to is not None or to_data is not None or dry_run or restart or force:
            raise typer.BadParameter("--undo takes no other option than --data and --database")
        _undo(source, as_json)
        return
    target = _target(to, to_data or data)
    wanted = MoveOptions(force=force, restart=restart)
    if dry_run:
        with _errors():
            plan = run_until_done(moving.check(source, target, wanted))
        _print_plan(plan, as_json)
        return
    with _errors(), progress.bars(_STAGES) as show:
        made = run_until_done(moving.move(source, target, wanted, show))
    if as_json:
        output.print_json(_report(made))
    else:
        typer.echo("\n".join(_report_lines(made)))


def _target(to: str | None, data: str | None) -> Settings:
    if not to:
        raise typer.BadParameter("--to is needed: the database to move to")
    try:
        return options.settings(data, to)
    except BadSetting as error:
        reason = str(error).removeprefix(f"{variable('database_url')}: ")
        raise typer.BadParameter(reason, param_hint="--to") from None


def _undo(source: Settings, as_json: bool) -> None:
    with _errors():
        mark = run_until_done(moving.undo(source))
    name = database_name(source)
    if as_json:
        output.print_json({"database": name, "was": mark.state, "to": mark.to})
    elif mark.state == "moved":
        typer.echo(
            f"{name} can be served again; what happened at {mark.to} since then is not in it"
        )
        say_who_was_erased(source)
    else:
        typer.echo(f"{name} can be served again; the move to {mark.to} was not complete")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except MoveError as error:
        raise CommandError(str(error)) from None
    except Unavailable:
        raise CommandError(
            "a database does not answer, or its disk is full; when that is mended, the same command"
            " goes on"
        ) from None


def _print_plan(plan: MovePlan, as_json: bool) -> None:
    """Print what a move would do. Raises typer.Exit when something is against it."""
    if as_json:
        output.print_json(plan)
    else:
        rows = ", ".join(f"{name} {count:,}" for name, count in plan.rows.items() if count)
        typer.echo(f"from {plan.source} to {plan.target}")
        typer.echo(f"rows: {sum(plan.rows.values()):,} ({rows or 'none'})")
        typer.echo(f"files to copy: {plan.files:,}, {size(plan.file_bytes)}")
        typer.echo(f"time: about {duration(plan.seconds)}")
        if plan.resumes:
            typer.echo("it goes on with the interrupted move")
        for each in plan.obstacles:
            typer.echo(f"prevented: {each}")
    if plan.obstacles:
        raise typer.Exit(EXIT_FAILED)


def _report(made: MoveReport) -> dict[str, Any]:
    return {
        "source": made.source,
        "target": made.target,
        "rows": {name: each.rows for name, each in made.tables.items()},
        "checksums": {name: each.checksum for name, each in made.tables.items()},
        "files": made.files,
        "seconds": made.seconds,
        "resumed": made.resumed,
    }


def _report_lines(made: MoveReport) -> list[str]:
    total = sum(each.rows for each in made.tables.values())
    filled = ", ".join(f"{name} {each.rows:,}" for name, each in made.tables.items() if each.rows)
    return [
        f"{made.source} was moved to {made.target} in {duration(made.seconds)}",
        f"rows: {total:,} ({filled}); files copied: {made.files:,}",
        "every table has the same rows in both, by count and checksum",
        f"serve {made.target} from now on; `koine move --undo` opens the other one again",
    ]
