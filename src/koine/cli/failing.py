"""What goes wrong is told in a sentence. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""

from typing import Any

import typer
from typer.core import TyperGroup

from koine.kit.settings import BadSetting
from koine.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    Unavailable,
)

REFUSED = 1
USAGE = 2
INTERRUPTED = 130


class Said(Exception):
    """A command's own reason to give up, for the person who typed it."""


class Plain(TyperGroup):
    """The group of all commands: an expected failure is a sentence, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises typer.Exit with the code of its failure."""
        try:
            return super().invoke(ctx)
        except BadSetting as error:
            give_up(str(error), USAGE)
        except Said as error:
            give_up(str(error))
        except Refusal as refusal:
            give_up(in_words(refusal))
        except OSError as error:
            give_up(f"{error.filename or 'koine'}: {error.strerror or error}")
        except KeyboardInterrupt:
            give_up("interrupted", INTERRUPTED)


def give_up(message: str, code: int = REFUSED) -> None:
    """Say why, on standard error. Raises typer.Exit."""
    typer.echo(f"koine: {message}", err=True)
    raise typer.Exit(code)


def in_words(refusal: Refusal) -> str:
    """What the engine's refusal means to a person at a terminal."""
    match refusal:
        case Unavailable():
            return "the database does not answer: try again, or see `koine doctor`"
        case NotFound(noun=noun):
            return f"no such {noun.replace('_', ' ')}"
        case Forbidden(what=what):
            return f"not allowed: {what} is needed"
        case Invalid(message=message) | Conflict(message=message):
            return message
        case _:
            return str(refusal) or type(refusal).__name__
