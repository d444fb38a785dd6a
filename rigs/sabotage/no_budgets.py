"""Counts nothing: no budget is ever spent."""

from koine.http.limits import Spending
from koine.main import serving


def free(self: Spending, key: str, amount: int, most: int, now: int) -> None:
    """What is counted: nothing."""


Spending.spend = free  # type: ignore[method-assign]  # the fault itself

if __name__ == "__main__":
    serving.main()
