"""Waits for ever: no connection is ever overdue."""

from koine.server import run
from koine.server.connections import Connections


def nobody(self: Connections) -> None:
    """What is done about those who are overdue: nothing."""


Connections._sweep = nobody  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
