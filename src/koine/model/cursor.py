"""Where a reader is in the event log: for clients opaque text, for the server epoch and
position."""

import re

from msgspec import Struct

_TEXT = re.compile(r"([0-9a-z]{1,32})\.([0-9]{1,18})")


class Cursor(Struct, frozen=True):
    """A position in the log of one epoch. A restored backup begins another epoch, since it gives
    positions that clients know already to other events."""

    epoch: str
    position: int

    def __str__(self) -> str:
        """The text that a client stores and sends back."""
        return f"{self.epoch}.{self.position}"


def parse(text: str) -> Cursor | None:
    """The cursor that a client sent, None for another text."""
    found = _TEXT.fullmatch(text)
    return Cursor(found[1], int(found[2])) if found else None
