"""Where a reader stands in the event log: opaque text to clients, an epoch and a position to us."""

import re

from msgspec import Struct

_TEXT = re.compile(r"([0-9a-z]{1,32})\.([0-9]{1,18})")


class Cursor(Struct, frozen=True):
    """A position in the log of one epoch. A restored backup starts another epoch: positions told
    before it may come again with other events behind them."""

    epoch: str
    position: int

    def __str__(self) -> str:
        """The text a client keeps and shows again."""
        return f"{self.epoch}.{self.position}"


def parse(text: str) -> Cursor | None:
    """The cursor a client shows, None when it is none."""
    found = _TEXT.fullmatch(text)
    return Cursor(found[1], int(found[2])) if found else None
