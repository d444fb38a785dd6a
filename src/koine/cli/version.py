"""`koine version`."""

import typer

from koine import __version__


def version() -> None:
    """Print the version.

    Example: koine version
    """
    typer.echo(__version__)
