"""Never counts anything towards a budget."""

from koine.http.rate_limits import WindowBudget
from koine.server import run


def spend_nothing(self: WindowBudget, key: str, amount: int, most: int, now: int) -> None:
    """Count nothing."""


WindowBudget.spend = spend_nothing  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
