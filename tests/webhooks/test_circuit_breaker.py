"""The circuit breaker: when it opens, for how long, and when the endpoint is disabled."""

from koine.kit.times import DAY, SECOND
from koine.model.webhook import EndpointHealth
from koine.webhooks import circuit_breaker


def after(failures: int, apart: int = SECOND) -> tuple[EndpointHealth, int]:
    health, now = circuit_breaker.HEALTHY, 0
    for _ in range(failures):
        now = max(now + apart, health.open_until or 0)
        health = circuit_breaker.failed(health, now)
    return health, now


def test_it_opens_after_five_failures_in_a_row() -> None:
    assert [circuit_breaker.is_tripped(after(n)[0]) for n in (4, 5)] == [False, True]


def test_pauses_double_up_to_five_minutes() -> None:
    pauses = []
    for failures in range(5, 14):
        health, now = after(failures)
        assert health.open_until is not None
        pauses.append((health.open_until - now) // SECOND)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_failures_of_requests_in_flight_do_not_extend_the_pause() -> None:
    health, now = after(5)
    assert circuit_breaker.failed(health, now + 1) == health


def test_the_endpoint_is_disabled_only_after_days_and_many_failures() -> None:
    few, now = after(2, apart=4 * DAY)
    assert not circuit_breaker.should_disable(few, now + DAY)
    many, now = after(5, apart=DAY)
    assert not circuit_breaker.should_disable(many, now)
    assert circuit_breaker.should_disable(many, now + DAY)
