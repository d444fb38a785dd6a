"""When a delivery that failed is attempted again. Pure."""

from koine.kit.times import SECOND
from koine.model.webhook import Backoff

MINUTE_S, HOUR_S = 60, 3600
DEFAULT_DELAYS = (
    5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S, 14 * HOUR_S,
    20 * HOUR_S, 24 * HOUR_S,
)  # fmt: skip
"""Seconds from each failed attempt to the next, as Standard Webhooks advises; the first attempt is
at once."""
JITTER = 0.1
"""Waits are up to this part shorter or longer: a receiver that was down does not get all deliveries
in the same second."""
LINEAR_S, EXPONENTIAL_S, LONGEST_S = MINUTE_S, 30, 24 * HOUR_S
"""Of the other two policies: a minute more each time; half a minute, doubled each time."""
RETRIES = 3
"""Retries of an endpoint's own policy that does not say how many."""


def wait_us(tried: int, backoff: Backoff | None, max_retries: int | None, chance: float) -> int:
    """Microseconds to wait after `tried` (1, 2, …) failed attempts; 0 when it was the last.

    `chance` is a random number from 0 to 1.
    """
    seconds = _wait_s(tried, backoff, max_retries)
    return round(seconds * (1 - JITTER + 2 * JITTER * chance) * SECOND)


def _wait_s(tried: int, backoff: Backoff | None, max_retries: int | None) -> int:
    if backoff is None:
        return DEFAULT_DELAYS[tried - 1] if tried <= len(DEFAULT_DELAYS) else 0
    if tried > (RETRIES if max_retries is None else max_retries):
        return 0
    if backoff == "linear":
        return min(LINEAR_S * tried, LONGEST_S)
    return min(EXPONENTIAL_S << tried - 1, LONGEST_S)
