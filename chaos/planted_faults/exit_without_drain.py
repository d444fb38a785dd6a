"""Exits at once on a signal: nothing is drained, and no open request is finished."""

import os
from types import FrameType

from koine.server import run
from koine.server.shutdown import GracefulShutdown


def exit_at_once(self: GracefulShutdown, number: int, _frame: FrameType | None) -> None:
    """The signal handler."""
    os._exit(0)


GracefulShutdown._on_signal = exit_at_once  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
