"""`koine serve`."""

from typing import Annotated, Literal

import typer

from koine import main
from koine.cli import options
from koine.cli.demo import furnished, show
from koine.demo.doors import Kept
from koine.kit.settings import Settings

Level = Literal["debug", "info", "warning", "error"]


def serve(
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
    log_level: Annotated[Level | None, typer.Option(help="Least level logged.")] = None,
) -> None:
    """Serve. Every option is also a setting (KOINE_PORT, …); see docs/running.md."""
    settings = options.settings(
        data, database, host=host, port=port, workers=workers, demo=demo, log_level=log_level
    )
    kept = furnished(settings) if settings.demo else None
    main.serve(settings, lambda: _announce(settings, kept))


def _announce(settings: Settings, kept: Kept | None) -> None:
    url = settings.public_url()
    if kept is not None:
        show(kept.demo, url)
    typer.echo(f"\nKoine serves {url}, and its API documents at {url}/docs")
