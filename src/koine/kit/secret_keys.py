"""The server's own keys, as its settings give them: the newest first."""

from pathlib import Path
from typing import Final

from koine.kit.tokens import MIN_SECRET_BYTES

MAX_KEYS: Final = 8
"""Most keys of a server: each is tried for values that do not name theirs."""
STORED: Final = "database"
"""The word that stands, in a list of keys, for the key that is stored in the database."""
_MAX_FILE: Final = 64 * 1024


class BadSecretKeys(Exception):
    """The keys cannot be used; the text says why, and never contains a part of a key. `in_file`:
    the fault is in the file of keys."""

    def __init__(self, reason: str, *, in_file: bool) -> None:
        super().__init__(reason)
        self.in_file = in_file


def parse(text: str, file: str) -> tuple[str, ...]:
    """The keys of `text`, divided by commas, then those of the file, a key a line; `STORED` stands
    for the one in the database. Raises BadSecretKeys for a key that is too short or given twice,
    too many keys, and a file that cannot be read or has no key."""
    given = [part.strip() for part in text.split(",") if part.strip()]
    if text.strip() and not given:
        raise BadSecretKeys("has no key", in_file=False)
    for number, key in enumerate(given, 1):
        _check(key, f"key {number}", in_file=False)
    if file:
        for number, line in _lines(file):
            _check(line, f"the key of line {number}", in_file=True)
            given.append(line)
    if len(set(given)) < len(given):
        raise BadSecretKeys("the same key is given twice", in_file=bool(file))
    if len(given) > MAX_KEYS:
        raise BadSecretKeys(f"more than {MAX_KEYS} keys", in_file=bool(file))
    return tuple(given)


def _lines(file: str) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(_MAX_FILE + 1)
        text = content.decode()
    except OSError as error:
        reason = f"{file} cannot be read: {error.strerror or type(error).__name__}"
        raise BadSecretKeys(reason, in_file=True) from None
    except ValueError:
        raise BadSecretKeys(f"{file} is no text in UTF-8", in_file=True) from None
    if len(content) > _MAX_FILE:
        raise BadSecretKeys(f"{file} has more than {_MAX_FILE} bytes", in_file=True)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, line) for number, line in lines if line]
    if not found:
        raise BadSecretKeys(f"{file} has no key", in_file=True)
    return found


def _check(key: str, what: str, *, in_file: bool) -> None:
    if key == STORED:
        return
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise BadSecretKeys(f"{what} is no text in UTF-8", in_file=in_file) from None
    if size < MIN_SECRET_BYTES:
        reason = f"{what} has fewer than {MIN_SECRET_BYTES} bytes"
        if not in_file:
            reason += " (commas divide keys: a key with a comma goes into a file)"
        raise BadSecretKeys(reason, in_file=in_file)
