"""Never closes a connection that is past its deadline."""

from koine.server import run
from koine.server.connections import Connections


def close_nothing(self: Connections) -> None:
    """Close nothing."""


Connections._sweep = close_nothing  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
