"""Passwords and passphrases: typed at a terminal, or in the first line of a file or of standard
input. They are no arguments, as every user of the machine can read those."""

import getpass
import sys
import warnings
from pathlib import Path

import typer

from koine.cli.errors import CommandError
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Password

_LONGEST_LINE = 10_000
"""Bytes that are read of a line: more than a password or passphrase has."""


def ask_password() -> str:
    """A password, asked for twice at the terminal. Raises CommandError where there is none: what is
    typed elsewhere would be shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            while (text := getpass.getpass("Password: ")) != getpass.getpass("Once more: "):
                typer.echo("the two are not the same", err=True)
            return text
    except EOFError:
        raise typer.Abort() from None
    except getpass.GetPassWarning:
        raise CommandError(
            "there is no terminal to ask for the password: give it on standard input, with --stdin"
        ) from None


def read_secret(name: str, path: Path | None = None) -> str:
    """The first line of a file, of standard input for `-` and None. `name` is what it is. Raises
    CommandError where it cannot be read, Invalid for one that is too long."""
    try:
        if path is None or str(path) == "-":
            line = sys.stdin.buffer.readline(_LONGEST_LINE)
        else:
            with path.open("rb") as file:
                line = file.readline(_LONGEST_LINE)
        text = line.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no text in UTF-8"
        raise CommandError(f"{path or 'standard input'}: {reason}") from None
    require_text(name, text, Password)
    return text
