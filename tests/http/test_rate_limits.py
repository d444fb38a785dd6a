import pytest

from koine.http.rate_limits import RateLimited, RateLimiter
from koine.model.errors import TooMany

SECOND = 1_000_000
NOON = 1_800_000_000 * SECOND


def test_the_bucket_counts_down_and_then_refuses() -> None:
    limiter = RateLimiter()
    left = [limiter.check("a", 3, NOON) for _ in range(3)]
    assert [rate.remaining for rate in left if rate] == [2, 1, 0]
    with pytest.raises(RateLimited) as refused:
        limiter.check("a", 3, NOON)
    assert refused.value.retry_after == 20
    assert refused.value.rate.remaining == 0


def test_waiting_for_the_retry_seconds_is_enough() -> None:
    limiter = RateLimiter()
    limiter.check("a", 1, NOON)
    with pytest.raises(TooMany) as refused:
        limiter.check("a", 1, NOON)
    assert limiter.check("a", 1, NOON + refused.value.retry_after * SECOND)


def test_keys_do_not_share_a_bucket() -> None:
    limiter = RateLimiter()
    limiter.check("a", 1, NOON)
    assert limiter.check("b", 1, NOON)


def test_reset_is_when_the_bucket_is_full() -> None:
    rate = RateLimiter().check("a", 60, NOON)
    assert rate is not None
    assert (rate.limit, rate.reset_unix) == (60, NOON // SECOND + 1)


def test_zero_is_no_limit() -> None:
    assert RateLimiter().check("a", 0, NOON) is None


def test_a_clock_that_steps_back_adds_no_tokens() -> None:
    limiter = RateLimiter()
    limiter.check("a", 1, NOON)
    with pytest.raises(TooMany):
        limiter.check("a", 1, NOON - 3600 * SECOND)


def test_memory_is_bounded() -> None:
    limiter = RateLimiter(max_keys=10)
    for n in range(100):
        limiter.check(str(n), 5, NOON)
    assert len(limiter) == 10


def test_a_long_key_takes_little_memory() -> None:
    limiter, long = RateLimiter(), "x" * 10_000
    limiter.check(f"{long}1", 1, 0)
    with pytest.raises(TooMany):
        limiter.check(f"{long}1", 1, 0)
    limiter.check(f"{long}2", 1, 0)
    assert max(map(len, limiter._buckets)) < 200
