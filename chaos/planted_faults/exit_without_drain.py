"""Ends where it stands when it is told to: nothing is drained, nothing under way is finished."""

import os
from types import FrameType

from koine.server import run
from koine.server.shutdown import GracefulShutdown


def go(self: GracefulShutdown, number: int, _frame: FrameType | None) -> None:
    """What a signal does."""
    os._exit(0)


GracefulShutdown._on_signal = go  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
