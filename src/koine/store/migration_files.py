"""The migrations of a folder, in order, and the kind of each.

A migration says in its file what it means for nodes of the version before, which do not know it:

    kind = "adds"         they go on working, and may be started again
    kind = "contracts"    they cannot work with the result: all of them must be stopped first

The kind is read from the text of the file, because importing one takes Alembic.
"""

import re
from functools import cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

Kind = Literal["adds", "contracts"]
_KIND = re.compile(r'^kind = "(adds|contracts)"', re.MULTILINE)
_AFTER = re.compile(r'^down_revision = "([^"]+)"', re.MULTILINE)


class Migration(Struct, frozen=True):
    """One migration: its revision, the name of its file in words, its kind, and the revision that
    it follows ("": it is the first)."""

    revision: str
    name: str
    kind: Kind
    after: str


@cache
def list_all(directory: Path) -> list[Migration]:
    """Every migration in order: 0001, 0002, …, from the names of the files and their texts.

    One that does not say its kind counts as one that contracts.
    """
    return [_migration(file) for file in sorted(directory.glob("versions/[0-9]*.py"))]


def _migration(file: Path) -> Migration:
    revision, _, name = file.stem.partition("_")
    text = file.read_text()
    kind: Kind = "adds" if "adds" in _KIND.findall(text) else "contracts"
    after = _AFTER.search(text)
    return Migration(revision, name.replace("_", " "), kind, after[1] if after else "")
