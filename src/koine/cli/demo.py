"""`koine demo`: make the demonstration, once, and print the keys to it."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from koine.cli import options, printing
from koine.cli.failing import Said
from koine.cli.running import run
from koine.demo import curls, doors, env
from koine.demo.doors import Company, Kept
from koine.demo.making import demonstration
from koine.engine.engine import Engine
from koine.kit.settings import Settings


def demo(
    as_json: options.Json = False,
    as_env: Annotated[
        bool, typer.Option("--env", help='Print lines for a shell: eval "$(koine demo --env)".')
    ] = False,
    base_url: Annotated[str | None, typer.Option(help="URL of the server it names.")] = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Make two tenants full of people who talk, once, and print credentials and examples."""
    if as_json and as_env:
        raise Said("give --json or --env, not both")
    settings = options.settings(data, database, base_url=base_url)
    kept = furnished(settings)
    if as_json:
        printing.json(doors.printed(kept, settings.public_url()))
    elif as_env:
        typer.echo(env.exports(kept.demo, settings.public_url()))
    else:
        show(kept.demo, settings.public_url())


def furnished(settings: Settings) -> Kept:
    """The demonstration of this database, made if need be. Raises Conflict, CannotStart, Said."""
    path = Path(settings.data_dir) / doors.FILE

    async def work(engine: Engine) -> Kept:
        return await demonstration(engine, path)

    return run(settings, work)


def show(company: Company, base_url: str) -> None:
    """Print each dialect's credentials and a curl for each of its calls."""
    examples = groupby(curls.examples(company, base_url), key=lambda each: each.dialect)
    for dialect, calls in examples:
        typer.echo(f"\n# ---- {dialect}\n{credentials(company, dialect)}")
        for call in calls:
            typer.echo(f"\n# {call.title}\n{call.command}")
    typer.echo('\n# All of it as variables: eval "$(koine demo --env)"')


def credentials(company: Company, dialect: str) -> str:
    """What opens the dialect, as comment lines."""
    door = msgspec.to_builtins(getattr(company.doors, dialect))
    flat = {
        name: value
        for key, under in door.items()
        if key != "deliveries"
        for name, value in (under.items() if isinstance(under, dict) else [(key, under)])
    }
    return "\n".join(f"# {name:18} {value}" for name, value in flat.items())
