"""`koine demo`: create the demonstration, once, and print its credentials."""

from pathlib import Path
from typing import Annotated

import typer

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.runtime import run
from koine.demo import credentials, env
from koine.demo.create import demonstration
from koine.demo.output import all_examples


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
    """
    if as_json and as_env:
        raise CommandError("give --json or --env, not both")
    settings = options.settings(data, database, base_url=base_url)
    if as_env and credentials.read(Path(settings.data_dir) / credentials.FILE) is None:
        raise CommandError(
            f"no demonstration in {settings.data_dir}; --data names another folder, "
            "`koine demo` makes one"
        )
    kept = run(settings, demonstration)
    url = settings.base_url or kept.base_url or settings.public_url()
    if as_json:
        output.print_json(credentials.as_json(kept, url))
    elif as_env:
        typer.echo(env.exports(kept.demo, url))
    else:
        typer.echo(all_examples(kept.demo, url, settings.data_dir))
