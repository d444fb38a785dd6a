"""`koine serve`: read what was typed, then become the server.

The server is a new program in the same process: what reads a command line weighs tens of
megabytes that would lie about for as long as it runs.
"""

import os
import sys
from typing import Annotated, Literal

import typer

from koine.cli import options
from koine.kit.settings import environment

Level = Literal["debug", "info", "warning", "error"]


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; more than one needs PostgreSQL.")
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    demo: Annotated[
        bool | None, typer.Option("--demo", help="Make the demonstration first, once.")
    ] = None,
    log_level: Annotated[Level | None, typer.Option(help="Lowest level that is logged.")] = None,
) -> None:
    """Run the server. Every option is also a setting (KOINE_PORT, …); see docs/running.md.

    Example: koine serve --data /var/lib/koine --port 8000
    """
    settings = options.serve_settings(
        data, database, host=host, port=port, workers=workers, demo=demo, log_level=log_level
    )
    # -P: a folder called koine where one happens to stand is not ours.
    program = [sys.executable, "-P", "-m", "koine.server"]
    os.execve(program[0], program, {**os.environ, **environment(settings)})
