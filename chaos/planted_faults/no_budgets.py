"""Counts nothing: no budget is ever spent."""

from koine.http.rate_limits import WindowBudget
from koine.server import run


def free(self: WindowBudget, key: str, amount: int, most: int, now: int) -> None:
    """What is counted: nothing."""


WindowBudget.spend = free  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    run.main()
