"""Repeats a run in which a planted fault shows only if something happens at the right moment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
MAX_RUNS = 10


async def first_with_fault(run: Callable[[int], Awaitable[T]], shows: Callable[[T], object]) -> T:
    """The first result that `shows` the fault, else the last; `run` is called with its number."""
    for number in range(MAX_RUNS):
        result = await run(number)
        if shows(result):
            break
    return result
