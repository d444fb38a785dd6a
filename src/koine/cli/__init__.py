"""`koine`: everything an operator types."""

from koine.cli.commands import app

__all__ = ["app"]
