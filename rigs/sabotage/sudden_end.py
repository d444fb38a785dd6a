"""Ends where it stands when it is told to: nothing is drained, nothing under way is finished."""

import os
from types import FrameType

from koine.main import serving
from koine.main.leaving import Leaving


def go(self: Leaving, number: int, _frame: FrameType | None) -> None:
    """What a signal does."""
    os._exit(0)


Leaving._signalled = go  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    serving.main()
