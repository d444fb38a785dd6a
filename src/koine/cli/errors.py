"""Errors are printed as one sentence. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""

from typing import Any

import typer
from typer.core import TyperGroup

from koine.kit.logs import redact
from koine.kit.settings import BadSetting
from koine.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Unavailable,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class CommandError(Exception):
    """A command's own error, with a message for the person who typed it."""


class ErrorHandlingGroup(TyperGroup):
    """The group of all commands; it prints an expected error as a sentence, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises typer.Exit with the code of its failure."""
        try:
            return super().invoke(ctx)
        except BadSetting as error:
            exit_with(str(error), EXIT_USAGE)
        except CommandError as error:
            exit_with(str(error))
        except Refusal as refusal:
            exit_with(describe(refusal))
        except UnicodeEncodeError as error:
            if not error.reason.startswith("surrogates"):
                raise
            exit_with("an argument is no text in UTF-8", EXIT_USAGE)
        except OSError as error:
            exit_with(f"{error.filename or 'koine'}: {error.strerror or error}")
        except KeyboardInterrupt:
            exit_with("interrupted", EXIT_INTERRUPTED)


def exit_with(message: str, code: int = EXIT_FAILED) -> None:
    """Print the reason on standard error. Raises typer.Exit."""
    typer.echo(f"koine: {redact(message)}", err=True)
    raise typer.Exit(code)


def describe(refusal: Refusal) -> str:
    """A refusal of the engine as a sentence for the terminal."""
    match refusal:
        case Unavailable():
            return "the database does not answer: try again, or see `koine doctor`"
        case NotFound(entity=entity):
            return f"no such {entity.replace('_', ' ')}"
        case Forbidden(what=what):
            return f"not allowed: {what} is needed"
        case Invalid(field=field, message=message):
            return message if field in message else f"{field}: {message}"
        case Conflict(message=message):
            return message
        case _:
            return str(refusal) or type(refusal).__name__
