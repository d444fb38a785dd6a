"""The command line: `koine` and its commands."""

from koine.cli.commands import app

__all__ = ["app"]
