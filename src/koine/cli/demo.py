"""`koine demo`: create the demonstration, once, and print its credentials."""

from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.runtime import run
from koine.demo import credentials, env
from koine.demo.create import demonstration, exists
from koine.demo.credentials import DemoFile
from koine.demo.output import all_examples
from koine.engine.core.engine import Engine
from koine.kit.settings import Settings


def demo(
    as_json: options.Json = False,
    as_env: Annotated[
        bool, typer.Option("--env", help='Print lines for a shell: eval "$(koine demo --env)".')
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(help="URL of the server; else where it was served last.")
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
) -> None:
    """Create the demonstration, once, and print its credentials.

    It is two tenants with conversations. A curl for each call is printed, too.

    Example: koine demo --json
    """
    if as_json and as_env:
        raise CommandError("give --json or --env, not both")
    settings = options.settings(data, database, base_url=base_url)
    kept = _existing(settings) if as_env else run(settings, demonstration, may_create=True)
    url = settings.base_url or kept.base_url or settings.public_url()
    if as_json:
        output.print_json(credentials.as_json(kept, url))
    elif as_env:
        typer.echo(env.exports(kept.demo, url))
    else:
        typer.echo(all_examples(kept.demo, url, settings.data_dir))


def _existing(settings: Settings) -> DemoFile:
    """The demonstration that the data folder has the credentials of; none is created. Raises
    CommandError where there is none, or its database is gone."""
    path = Path(settings.data_dir) / credentials.FILE
    demo_file = credentials.read(path)
    if demo_file is None:
        raise CommandError(
            f"no demonstration in {settings.data_dir}; --data names another folder, "
            "`koine demo` makes one"
        )

    async def refreshed(engine: Engine) -> DemoFile:
        if not await exists(engine, demo_file):
            raise CommandError(
                f"the demonstration of {path} is not in this database; --database names another, "
                "`koine demo` makes a new one"
            )
        return await demonstration(engine)

    return run(settings, refreshed)
