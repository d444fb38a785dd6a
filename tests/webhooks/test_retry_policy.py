"""When a delivery is tried again: the schedule of Standard Webhooks, or the endpoint's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koine.kit.times import SECOND
from koine.model.webhook import Backoff
from koine.webhooks.retry_policy import JITTER, LONGEST_S, wait_us

HOUR = 3600
TABLE = [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR, 0, 0]


@pytest.mark.parametrize(("tried", "seconds"), list(enumerate(TABLE, 1)))
def test_the_schedule_of_standard_webhooks(tried: int, seconds: int) -> None:
    assert wait_us(tried, None, None, 0.5) == seconds * SECOND


@pytest.mark.parametrize(
    ("backoff", "retries", "waits"),
    [
        ("linear", 4, [60, 120, 180, 240, 0]),
        ("exponential", 4, [30, 60, 120, 240, 0]),
        ("exponential", None, [30, 60, 120, 0, 0]),
        ("linear", 0, [0, 0, 0, 0, 0]),
    ],
)
def test_the_schedule_of_an_endpoint(
    backoff: Backoff, retries: int | None, waits: list[int]
) -> None:
    found = [wait_us(tried, backoff, retries, 0.5) // SECOND for tried in range(1, 6)]
    assert found == waits


@given(st.integers(1, 12), st.sampled_from([None, "linear", "exponential"]), st.floats(0, 1))
def test_the_jitter_is_at_most_a_tenth(tried: int, backoff: Backoff | None, chance: float) -> None:
    middle, found = (wait_us(tried, backoff, 10, each) for each in (0.5, chance))
    assert abs(found - middle) <= middle * JITTER + 1
    assert found <= LONGEST_S * SECOND * (1 + JITTER)
